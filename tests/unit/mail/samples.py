"""Digests to render: one plain, one with everything that is hard to set."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from newsletter.mail.compose import compose_message
from newsletter.mail.letter import Card, Digest, Envelope, Link, Section, Site
from newsletter.mail.render import render_digest
from newsletter.matching.display import Segment

SITE = "https://papers.example.org"
DAY = date(2026, 11, 20)  # a Friday


def segments(text: str) -> tuple[Segment, ...]:
    """Cut "plain ^marked^ plain" where words are marked."""
    parts = enumerate(text.split("^"))
    return tuple(Segment(part, bool(number % 2)) for number, part in parts if part)


def make_card(title: str = "A ^Reward^ Model", number: int = 1, **fields: Any) -> Card:
    url = f"https://arxiv.org/abs/2611.{number:05d}"
    values: dict[str, Any] = {
        "title": segments(title),
        "url": url,
        "byline": ("Ada Example, Noor Sample, and 4 more", "Sample Institute", "cs.LG", "▲ 48"),
        "snippet": segments("we show that ^reinforcement learning^ keeps its ranking"),
        "cut_before": True,
        "cut_after": True,
        "why": segments("Here because of ^RL^, twice in the abstract."),
        "links": (
            Link("arXiv", url),
            Link("Code", f"https://github.com/example/code-{number}"),
            Link("Save", f"{SITE}/save/{number}", quiet=True),
        ),
    }
    return Card(**{**values, **fields})


def make_section(interest: str, *cards: Card) -> Section:
    return Section(interest, f"i{zlib.crc32(interest.encode())}", cards or (make_card(),))


def make_digest(*sections: Section, **fields: Any) -> Digest:
    site = Site("Paper Round", SITE, "the reading group", "1 Example Street, 00000 Sampletown")
    values: dict[str, Any] = {
        "site": site,
        "date": DAY,
        "first_date": DAY,
        "days": 1,
        "announced": 412,
        "sections": sections or (make_section("RL"),),
        "left_out": 0,
        "more_url": f"{SITE}/l/token",
        "note": "",
        "schedule": "You get this at 08:00 Berlin time because you confirmed it on 3 March 2026.",
        "unsubscribe_url": f"{SITE}/u/token",
        "links": (
            Link("What you get", f"{SITE}/m/token"),
            Link("Unsubscribe", f"{SITE}/u/token"),
        ),
    }
    return Digest(**{**values, **fields})


def make_hard_digest() -> Digest:
    """Arabic, Chinese, emoji, a formula without a space, quoted interests, a note, a late paper."""
    formula = r"$\sum_{h=1}\|\theta_h-\hat{\theta}_{h}\|_{\Sigma}$" * 7
    late = "Late: listed on Tuesday 17 November"
    return make_digest(
        make_section(
            "RL",
            make_card("Offline ^RL^ Without Fear", 1),
            make_card("تعلّم معزّز عميق ^RL^ دون نموذج", 2, byline=("نور المثال", "جامعة", "cs.RO")),
            make_card(f"On {formula}Regret", 3, note=late),
        ),
        make_section(
            'LLM -"reinforcement learning"',
            make_card("🤖🚀 Agents ^LLM^ 🐢", 4),
            make_card(
                "大規模言語モデルの強化学習における報酬の過剰最適化についての長い題名の論文です", 5
            ),
        ),
        make_section('author:"Y LeCun"', make_card("LoRA Is a Prior", 6)),
        left_out=14,
        note="Three groups report the same result.\nRead them side by side.",
    )


def make_envelope(**fields: Any) -> Envelope:
    values: dict[str, Any] = {
        "sender": "Paper Round <papers@example.org>",
        "recipient": "reader@reader.example",
        "message_id": "<0123456789abcdef0123.d@example.org>",
        "list_id": "papers.example.org",
        "list_name": "Paper Round",
        "one_click_url": f"{SITE}/u/{'t' * 40}",
        "seed": "seed",
        "sent_at": 1795158000.0,
    }
    return Envelope(**{**values, **fields})


def compose(digest: Digest | None = None, **envelope: Any) -> bytes:
    return compose_message(render_digest(digest or make_digest()), make_envelope(**envelope))


def parse(data: bytes) -> EmailMessage:
    parsed = message_from_bytes(data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def part(data: bytes, kind: str) -> str:
    found = parse(data).get_body((kind,))
    assert found is not None
    content: str = found.get_content()
    return content.replace("\r\n", "\n")


def rename(digest: Digest, name: str) -> Digest:
    return replace(digest, site=replace(digest.site, name=name))
