from __future__ import annotations

import re
from datetime import date

import pytest
from lxml import html as lxml_html

from newsletter.mail.headers import LetterError
from newsletter.mail.joining import Joiner
from newsletter.mail.letter import Digest, Link, Rendered, write_card
from newsletter.mail.plain import columns
from newsletter.mail.render import render_digest
from newsletter.mail.wording import make_preheader
from tests.unit.mail.samples import (
    SITE,
    compose,
    make_card,
    make_digest,
    make_envelope,
    make_hard_digest,
    make_section,
    parse,
    part,
    segments,
)


def words(text: str) -> str:
    return " ".join(text.split())


def sentence(rendered: Rendered) -> str:
    (heading,) = lxml_html.fromstring(rendered.html).iterfind(".//h1")
    return words(heading.text_content())


def several(*counts: int) -> Digest:
    names = ["RL", "protein folding", "laws"]
    sections = [
        make_section(name, *(make_card(number=n) for n in range(count)))
        for name, count in zip(names, counts, strict=False)
    ]
    return make_digest(*sections)


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        (
            several(6, 2, 1),
            "Of 412 papers announced, 9 are yours: 6 for RL, 2 for protein folding, 1 for laws.",
        ),
        (several(3), "Of 412 papers announced, 3 are yours, all for RL."),
        (several(1), "Of 412 papers announced, 1 is yours, for RL."),
        (make_digest(announced=1), "Of 1 paper announced, 1 is yours, for RL."),
        (
            make_digest(announced=730, days=3, first_date=date(2026, 11, 18)),
            "Of 730 papers announced in 3 days, 1 is yours, for RL.",
        ),
    ],
)
def test_it_counts_in_one_sentence(digest: Digest, expected: str) -> None:
    rendered = render_digest(digest)
    assert sentence(rendered) == expected
    assert expected in words(rendered.text)


def test_its_sentence_leads_to_the_sections() -> None:
    tree = lxml_html.fromstring(render_digest(several(6, 2, 1)).html)
    anchors = [a.get("href", "")[1:] for a in tree.iterfind(".//h1/a")]
    assert anchors == [h.get("id") for h in tree.iterfind(".//h2")]
    assert len(set(anchors)) == 3


def test_it_dates_a_letter_of_several_days() -> None:
    digest = make_digest(days=3, first_date=date(2026, 11, 18))
    assert "Wednesday 18 November to Friday 20 November 2026" in render_digest(digest).text


@pytest.mark.parametrize(
    ("digest", "subject"),
    [
        (several(6, 2, 1), "Fri 20 Nov: A Reward Model, and 8 more"),
        (several(1), "Fri 20 Nov: A Reward Model"),
        (make_digest(make_section("RL", make_card("\x0b\u200b"))), "Fri 20 Nov: 1 paper for you"),
    ],
)
def test_its_subject_is_the_day_and_the_best_paper(digest: Digest, subject: str) -> None:
    assert render_digest(digest).subject == subject


def test_it_cuts_a_long_subject_but_not_its_end() -> None:
    cards = [make_card("Rates " * 200, number) for number in range(9)]
    subject = render_digest(make_digest(make_section("RL", *cards))).subject
    assert len(subject) <= 150
    assert subject.endswith("Rates…, and 8 more")


def test_its_parts_hold_the_same_papers_and_addresses() -> None:
    digest = make_hard_digest()
    rendered = render_digest(digest)
    tree = lxml_html.fromstring(rendered.html)
    linked = {href for _, _, href, _ in tree.iterlinks() if not href.startswith("#")}
    printed = set(re.findall(r"(?m)^\s*(https?://\S+)$", rendered.text))
    assert linked == printed
    titles = [
        "".join(p.text for p in write_card(card).title) for s in digest.sections for card in s.cards
    ]
    assert [words(h.text_content()) for h in tree.iterfind(".//h3")] == titles
    squeezed = "".join(rendered.text.split())
    assert all("".join(title.split()) in squeezed for title in titles)


def test_its_text_is_written_for_a_terminal() -> None:
    text = render_digest(make_hard_digest()).text
    assert all(columns(line) <= 78 for line in text.splitlines())
    assert not re.search(r"\n\n\n|[ \t]\n|&\w+;|<\w|\{[{%]", text)
    assert f"Unsubscribe:\n{SITE}/u/token" in text
    assert "*reinforcement learning*" in text


def test_it_keeps_less_than_signs_and_formulas_whole() -> None:
    formula = "a < b and $x_{1}<y$ & c"
    rendered = render_digest(make_digest(make_section("RL", make_card(snippet=segments(formula)))))
    assert formula in lxml_html.fromstring(rendered.html).text_content()
    assert formula in rendered.text


def test_it_says_what_did_not_fit() -> None:
    digest = make_digest(make_section("RL", *[make_card(number=n) for n in range(10)]), left_out=14)
    rendered = render_digest(digest)
    assert "14 more</a> matched and did not fit into ten." in rendered.html
    assert f"14 more matched and did not fit into ten:\n{SITE}/l/token" in rendered.text
    assert "did not fit" not in render_digest(make_digest()).html


def test_it_is_a_document_that_says_what_it_is() -> None:
    tree = lxml_html.document_fromstring(render_digest(make_hard_digest()).html)
    assert (tree.get("lang"), tree.get("dir")) == ("en", "ltr")
    (article,) = tree.iterfind(".//*[@role='article']")
    assert (article.get("lang"), article.get("dir")) == ("en", "ltr")
    assert all(table.get("role") == "presentation" for table in tree.iter("table"))
    assert tree.findtext(".//title", "").startswith("Paper Round: Fri 20 Nov: ")
    assert [h.text for h in tree.findall(".//h2/bdi")][1] == 'LLM -"reinforcement learning"'
    assert all(h.get("dir") == "auto" for h in tree.iter("h3"))
    assert not list(tree.iter("img", "script", "link", "iframe", "form"))


def test_its_dark_rules_win_over_what_is_inlined() -> None:
    html = render_digest(make_digest()).html
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert "@media (prefers-color-scheme: dark)" in style
    assert "@media (max-width: 480px)" in style
    declarations = re.findall(r"[a-z-]+: [^;{}]+(?=[;\n])", style)
    assert len(declarations) >= 20
    assert all("!important" in each for each in declarations)
    assert "color-scheme" in html
    assert not re.search(r"var\(|display: ?(flex|grid)|position:|url\(|text-transform", html)


def test_its_marks_are_seen_without_colour() -> None:
    tree = lxml_html.fromstring(render_digest(make_digest()).html)
    marks = tree.findall(".//h3//b") + tree.findall(".//p[@class='snippet']/b")
    assert [mark.text for mark in marks] == ["Reward", "reinforcement learning"]
    assert "border-bottom:2px" in (marks[0].get("style") or "")


def test_its_preheader_is_short_and_hidden() -> None:
    sections = [make_section("an interest " * n, make_card(number=n)) for n in range(1, 9)]
    digest = make_digest(*sections)
    assert len(make_preheader(digest)) <= 110
    tree = lxml_html.fromstring(render_digest(digest).html)
    hidden = tree.find(".//div[@class='preheader']")
    assert hidden is not None
    assert hidden.text_content().startswith("8 of 412 papers: 1 for an interest")
    assert "display:none" in (hidden.get("style") or "")


def test_its_thirty_papers_stay_below_what_gmail_clips() -> None:
    text = (
        "we show that ^reinforcement learning^ keeps ^its ranking^ without "
        + "half the labels " * 20
    )
    why = (
        "Here because of ^reinforcement learning^ (as “RL”), twice in the abstract; also ^labels^."
    )
    cards = [
        make_card(
            "Steering a ^Reward^ Model without Labels or a Human in the Loop",
            number,
            snippet=segments(text[:400]),
            why=segments(why),
            links=(
                Link("arXiv", f"https://arxiv.org/abs/2611.{number:05d}"),
                Link("Code", f"https://github.com/example/code-{number}"),
            ),
            feedback_url=f"{SITE}/f/{'x' * 50}",
        )
        for number in range(30)
    ]
    sections = [make_section(f"interest {at}", *cards[at : at + 6]) for at in range(0, 30, 6)]
    digest = make_digest(*sections)
    for data in (compose(digest), Joiner().join(digest, make_envelope())):
        (html,) = (p for p in parse(data).walk() if p.get_content_type() == "text/html")
        payload = html.get_payload()
        assert isinstance(payload, str)
        assert len(payload) < 80_000
        assert f"{SITE}/u/token" in part(data, "html")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", 'https://x/"><script>', ""]
)
def test_it_links_nothing_but_the_web(url: str) -> None:
    card = make_card(url=url, links=(Link("arXiv", url),))
    rendered = render_digest(make_digest(make_section("RL", card)))
    tree = lxml_html.fromstring(rendered.html)
    assert tree.find(".//h3/a") is None
    assert "evil" not in rendered.html + rendered.text
    assert "<script" not in rendered.html + rendered.text


def test_it_refuses_a_letter_without_a_way_out() -> None:
    with pytest.raises(LetterError, match="PAPER_ROUND_SITE_URL"):
        render_digest(make_digest(unsubscribe_url="/u/token"))


def test_it_adds_the_way_out_where_the_links_have_none() -> None:
    rendered = render_digest(make_digest(links=()))
    assert f'href="{SITE}/u/token"' in rendered.html
    assert f"{SITE}/u/token" in rendered.text
