"""Whatever a source wrote is text: no page gets an element, an attribute or a link from it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import fromstring

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from newsletter import links
from newsletter.models import Listing, Paper
from newsletter.sheets import make_sheet
from subscribers.models import Interest, Query
from tests.factories import DAY, subscribe
from tests.integration.managing.visiting import enter
from tests.integration.reading.payloads import ADDRESSES, BIDI, TEXTS
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db

FIELDS = ("title", "abstract", "author", "organization", "category", "keyword")
FORBIDDEN = {"script", "style", "iframe", "frame", "object", "embed", "base", "svg", "template"}
OWN = """
html head meta title link body a header div nav main section article aside footer p h1 h2 h3
span b bdi small mark ul li form label input button details summary dl dt dd code kbd img
textarea noscript time
fieldset legend select option optgroup datalist table thead tbody tr th td
math mi mn mo mtext mspace mrow mfrac msqrt mroot msub msup msubsup mover
"""
ALLOWED = set(OWN.split())
COUNT = len(TEXTS) * len(FIELDS) + len(ADDRESSES) * 3


def plant(field: str, text: str) -> int:
    """A paper as no loader would let it in: straight into the table."""
    values = {
        "title": "An honest title",
        "abstract": "An honest abstract on RL.",
        "authors": ["Ada Example"],
        "organization": "Institute",
        "categories": ["cs.LG"],
        "ai_keywords": ["RL"],
    }
    lists = {"author": "authors", "category": "categories", "keyword": "ai_keywords"}
    if field in lists:
        values[lists[field]] = [text[:40] if field == "category" else text]
    else:
        values[field] = text
    paper = Paper.objects.create(title_key=f"planted {field} {text}", newest_listing=DAY, **values)
    Listing.objects.create(paper=paper, source="test", listed_on=DAY)
    return int(paper.pk)


def walk(page: bytes) -> Iterator[etree._Element]:
    root = etree.fromstring(page, etree.HTMLParser(encoding="utf-8"))
    yield from (element for element in root.iter() if isinstance(element.tag, str))


def is_own_script(element: etree._Element) -> bool:
    """Whether it is one of the site’s own, which stands in a file and not in the page."""
    source = element.get("src", "")
    return element.tag == "script" and source.startswith("/static/newsletter/") and not element.text


def check(page: bytes, hosts: frozenset[str] = frozenset()) -> None:
    for element in walk(page):
        if is_own_script(element):
            continue
        assert element.tag in ALLOWED
        assert element.tag not in FORBIDDEN
        for name, value in element.attrib.items():
            assert not name.startswith("on"), name
            assert name not in ("style", "srcdoc", "srcset", "http-equiv", "xlink:href")
            if name in ("href", "src", "action", "formaction"):
                parts = urlsplit(value)
                assert parts.scheme in ("", "http", "https"), value
                inside = not parts.netloc and not value.startswith("//")
                assert inside or parts.hostname in {"localhost", *hosts}, value


def pages(client: Client, key: int) -> Iterator[bytes]:
    for path in (f"/d/{DAY}", f"/p/{key}", "/search?q=honest+OR+RL", "/week/2026-W47"):
        yield client.get(path).content
    fromstring(client.get("/feed").content)


def test_the_corpus_is_large_enough() -> None:
    assert COUNT >= 200


@pytest.mark.parametrize("field", FIELDS)
def test_texts_are_text_on_every_page(client: Client, field: str) -> None:
    for text in TEXTS:
        key = plant(field, text)
        check(client.get(f"/p/{key}").content)
        page = client.get(f"/p/{key}.bib").content
        assert page.startswith(b"@misc{")
    for page in pages(client, key):
        check(page)
    assert len(fromstring(client.get("/feed").content)) > len(TEXTS)


@pytest.mark.parametrize("field", ["url", "code_url", "project_url"])
def test_addresses_lead_nowhere_else(client: Client, field: str) -> None:
    for number, address in enumerate(ADDRESSES):
        key = plant("title", f"Paper {number}")
        Paper.objects.filter(pk=key).update(**{field: address})
    for page in pages(client, key):
        check(page)
        assert b"evil.example" not in page
    assert b"evil" not in client.get("/feed").content


def test_a_safe_address_is_shown_with_its_host(client: Client) -> None:
    key = plant("title", "Paper")
    Paper.objects.filter(pk=key).update(code_url="https://github.com/ada/x", arxiv_id="2602.00001")
    page = client.get(f"/p/{key}").content
    check(page, frozenset({"github.com", "arxiv.org"}))
    links = {e.get("href"): "".join(e.itertext()) for e in walk(page) if e.tag == "a"}
    assert links["https://github.com/ada/x"].split() == ["Code", "github.com"]
    assert links["https://arxiv.org/abs/2602.00001"].split() == ["arXiv"]


@pytest.mark.parametrize("text", [*TEXTS, *ADDRESSES, BIDI])
def test_a_search_shows_what_was_typed_as_text(client: Client, text: str) -> None:
    check(client.get(f"/search?q={quote(text)}").content)
    client.get(f"/feed/search?q={quote(text)}")


def test_what_a_reader_typed_is_text_on_their_own_pages(server: SmtpServer) -> None:
    """Interests reach the table in other ways than the form: files, the admin, older releases."""
    reader = subscribe("RL", email="ada@reader.example")
    for number in range(0, len(TEXTS), 10):
        texts = TEXTS[number : number + 10]
        Interest.objects.filter(subscriber=reader).delete()
        for position, text in enumerate(texts):
            query = Query.objects.create(text=f"{position} {text}"[:200])
            Interest.objects.create(
                subscriber_id=reader, query=query, text=text[:200], position=position
            )
        for url in (links.manage_url(reader), links.unsubscribe_url(reader)):
            check(Client().get(urlsplit(url).path, follow=True).content)
    client = enter(server, "ada@reader.example")
    for path in ("/manage", "/manage/letter", "/manage/data"):
        check(client.get(path).content)
    assert texts[-1][:20] in html.unescape(client.get("/manage").content.decode())


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.sampled_from([*BIDI, "a", " ", "א", "\u0301", "\u0489"]), max_size=60))
def test_nothing_invisible_turns_a_text_round(text: str) -> None:
    paper = Paper(title=f"A{text}", abstract=text, authors=[text], organization=text)
    sheet = make_sheet(paper)
    for shown in (sheet.name, *sheet.byline, *(piece.text for piece in sheet.lead)):
        assert not set(shown) & set(BIDI)
        assert not re.search("[\u0300-\u036f\u0483-\u0489]{5}", shown)


def test_a_title_is_cut_and_takes_its_own_direction(client: Client) -> None:
    key = plant("title", "כותרת " * 200)
    page = client.get(f"/p/{key}").content
    heading = next(element for element in walk(page) if element.tag == "h1")
    assert heading.get("dir") == "auto"
    assert len(heading.text or "") <= 501
    assert (heading.text or "").endswith("…")


@pytest.mark.parametrize(
    "page",
    [
        b"<script>alert(1)</script>",
        b"<p onclick=alert(1)>x</p>",
        b"<p style=color:red>x</p>",
        b"<a href=javascript:alert(1)>x</a>",
        b"<a href=//evil.example>x</a>",
        b"<a href=https://evil.example>x</a>",
        b"<marquee>x</marquee>",
    ],
)
def test_the_check_sees_what_it_is_for(page: bytes) -> None:
    with pytest.raises(AssertionError):
        check(page)
