"""XML and HTML that wants to do harm."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.sources import markup
from newsletter.sources.base import SourceError
from newsletter.sources.markup import parse_xml, plain_html, text_of

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]><rss><channel><title>&a11;</title></channel></rss>"
).encode()
QUADRATIC = (
    b'<!DOCTYPE r [<!ENTITY a "' + b"x" * 100_000 + b'">]><rss>' + b"&a;" * 30_000 + b"</rss>"
)


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("bomb", [LAUGHS, QUADRATIC], ids=["billion laughs", "quadratic"])
def test_it_refuses_a_bomb_at_once(bomb: bytes) -> None:
    before, started = megabytes(), time.monotonic()
    with pytest.raises(SourceError):
        parse_xml(bomb, "the feed")
    assert time.monotonic() - started < 2
    assert megabytes() - before < 50


@pytest.mark.parametrize(
    "declaration",
    [
        '<!ENTITY x SYSTEM "{}">',
        '<!ENTITY % y SYSTEM "{}"> %y;<!ENTITY x "1">',
        '<!ENTITY x PUBLIC "-//X//X" "{}">',
    ],
)
def test_it_reads_no_file_for_an_entity(declaration: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    body = f"<!DOCTYPE r [{declaration.format(secret.as_uri())}]><rss>&x;</rss>"
    with pytest.raises(SourceError, match="entit") as caught:
        parse_xml(body.encode(), "the feed")
    assert "the secret" not in str(caught.value)


def test_it_loads_no_external_dtd_and_still_reads_html_entities() -> None:
    body = b'<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/rss.dtd"><rss>caf&eacute;</rss>'
    assert text_of(parse_xml(body, "the feed")) == "café"


def test_it_refuses_too_many_bytes_and_too_deep_a_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="depth"):
        parse_xml(b"<a>" * 100_000, "the feed")
    monkeypatch.setattr(markup, "MAX_XML", 10)
    with pytest.raises(SourceError, match="11 bytes are more than"):
        parse_xml(b"<a>1234</a>", "the feed")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One.</p><p>Two</p>", "One. Two"),
        ("x<sub>2</sub> <i>in</i>side<i>s</i>", "x2 insides"),
        ("n<k and p>0.5, a <b", "n<k and p>0.5, a <b"),
        ("<script>alert(1)</script>ok<style>p{}</style>", "ok"),
        ("a&lt;script&gt;b &amp; c", "a<script>b & c"),  # text that looks like a tag is text
        ("<img src=x onerror=alert(1)>ok", "ok"),
        ("</div></div>ok", "ok"),
        (r"Fr\'echet $a<b$ {\em x}", r"Fr\'echet $a<b$ {\em x}"),
    ],
)
def test_it_makes_text_of_html(html: str, text: str) -> None:
    assert plain_html(html) == text


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="<>/&;!-ab [\"'\x00\u202e\ud800", max_size=60))
def test_it_makes_one_line_of_any_text(text: str) -> None:
    found = plain_html(text)
    assert "\n" not in found
    found.encode()  # no lone surrogate


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80) | st.text("<>/&;![]ab=\"'").map(str.encode))
def test_it_parses_or_refuses_any_bytes(data: bytes) -> None:
    try:
        found = text_of(parse_xml(data, "the feed"))
    except SourceError as error:
        found = str(error)
    assert "\n" not in found


@pytest.mark.parametrize("piece", ["<p>", "<!--", "<script>", "&", "<a ", "<![CDATA["])
def test_it_takes_no_longer_for_hostile_html(piece: str) -> None:
    started = time.monotonic()
    plain_html(piece * (200_000 // len(piece)))
    assert time.monotonic() - started < 2
