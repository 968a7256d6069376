"""A refused interest says why in the language of the page."""

from __future__ import annotations

from collections.abc import Callable
from string import Formatter

import pytest
from django.test import Client
from django.utils import translation

from newsletter.matching.base import QueryError
from newsletter.matching.query import parse_query
from newsletter.refusals import translate_refusal
from subscribers import fields

REFUSED = [
    "", "-", "foo:x", "a~1", '"a', '""', '"a b"~x', "a)", "-a", "(" * 30 + "a" + ")" * 30, "()",
    "(a", "title:", "x" * 201, "a\nb", "a\x01b", "!!", "author:Y", "cat:c*", "a*b", "ab*", "AND",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_it_refuses_in_german(text: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_query(text)
    english = refused.value.problem, refused.value.mend
    assert translate_refusal(refused.value) == english
    with translation.override("de"):
        german = translate_refusal(refused.value)
    assert all(one != other for one, other in zip(english, german, strict=True))
    names = {
        name for pattern in refused.value.patterns for _, name, *_ in Formatter().parse(pattern)
    }
    assert names - {None} == set(refused.value.values)


@pytest.mark.django_db
def test_a_page_says_it_in_german() -> None:
    page = Client().get("/search", {"q": "(RL", "lang": "de"}).content.decode()
    assert "„(“ wird nicht geschlossen" in page


def test_what_was_typed_may_have_braces() -> None:
    with pytest.raises(QueryError, match="Nothing to look for here"):
        parse_query("{}")
    with pytest.raises(QueryError):
        parse_query("{0}:{x} AND")


@pytest.mark.parametrize(
    ("read", "text", "german"),
    [
        (fields.normalise_address, "ada", "ist keine Mailadresse: schreiben Sie name@example.org"),
        (fields.normalise_address, "ada@host", "endet nicht auf eine vollständige Domain"),
        (fields.read_zone, "Europe/Pariss", "meinten Sie Europe/Paris"),
        (fields.read_hour, "25", "ist keine Stunde des Tages"),
        (fields.read_papers, "99", "schreiben Sie eine Zahl von 1 bis 30"),
        (fields.read_query, "(RL", "„(“ wird nicht geschlossen in '(RL' (bei Zeichen 1)"),
    ],
)
def test_it_refuses_what_a_reader_typed_in_german(
    read: Callable[[str], object], text: str, german: str
) -> None:
    with translation.override("de"), pytest.raises(fields.ReaderError) as refused:
        read(text)
    assert german in str(refused.value)
