from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from newsletter.sources.fields import (
    clean_arxiv_id,
    clean_count,
    clean_doi,
    clean_text,
    clean_url,
    parse_day,
    parse_instant,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2602.23229", ("2602.23229", None)),
        ("0704.0001", ("0704.0001", None)),
        (" arXiv:2602.23229v2 ", ("2602.23229", 2)),
        ("hep-th/9901001v3", ("hep-th/9901001", 3)),
        ("math.GT/0309136", ("math/0309136", None)),
        ("https://arxiv.org/abs/2602.23229v1", ("2602.23229", 1)),
        ("http://export.arxiv.org/pdf/2602.23229.pdf?download=1", ("2602.23229", None)),
        ("https://huggingface.co/papers/2602.23229", ("2602.23229", None)),
        ("https://doi.org/10.48550/arXiv.2602.23229", ("2602.23229", None)),
        ("2600.00001", ("2600.00001", None)),  # a sample: arXiv has no month 00
    ],
)
def test_it_cleans_an_arxiv_id(text: str, expected: tuple[str, int | None]) -> None:
    assert clean_arxiv_id(text) == expected


def test_it_cleans_a_doi() -> None:
    for text in ("10.1000/XyZ", "doi: 10.1000/xyz", "https://dx.doi.org/10.1000%2FXYZ"):
        assert clean_doi(text) == "10.1000/xyz"


def test_it_cleans_a_text_of_controls_and_keeps_latex_and_joiners() -> None:
    text = '  Na\\"{\\i}ve\r\n\t $\\alpha$\x00\x1b\u202e\u200b\ufeff\u2028\u00a0👩\u200d🔬\ud800 '
    assert clean_text(text) == 'Na\\"{\\i}ve $\\alpha$ 👩\u200d🔬\ufffd'


def test_it_keeps_a_good_address() -> None:
    for url in ("https://example.org", "http://example.org:8080/a?b=c#d", "https://[::1]/x"):
        assert clean_url(f" {url} ") == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//example.org/x",
        "example.org",
        "https://",
        "https://user:pass@example.org",
        "https://example.org\\@evil.example",
        "https://example.org/a b",
        "https://example.org/\u202egnp",
        "https://example.org/\x00",
        "https://example.org:port",
        "https://[::1",
        'https://example.org/"onload=',
        "https://example.org/" + "x" * 2000,
        "data:text/html,x",
        "",
    ],
)
def test_it_refuses_a_bad_address(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        clean_url(url)


def test_it_parses_days_and_instants() -> None:
    assert parse_day(" 2026-03-06 ") == date(2026, 3, 6)
    assert parse_instant("2026-03-06") == datetime(2026, 3, 6, tzinfo=UTC)
    assert parse_instant("2026-03-06T03:55:12.777Z").microsecond == 777_000
    assert parse_instant("2026-03-06 00:30+02:00") == datetime(2026, 3, 5, 22, 30, tzinfo=UTC)
    assert parse_instant("2026-03-06T03:55").tzinfo is UTC


@pytest.mark.parametrize(
    ("clean", "text"),
    [
        (parse_day, "20260306"),
        (parse_day, "2026-13-40"),
        (parse_day, "2026-W10-5"),
        (parse_instant, "2026-03-06T25:00"),
        (parse_instant, "0001-01-01T00:00+14:00"),  # before the first day there is in UTC
        (parse_instant, "now"),
        (clean_arxiv_id, "2602.232299"),
        (clean_arxiv_id, "cs.LG"),
        (clean_arxiv_id, "٢٦٠٢.٢٣٢٢٩"),
        (clean_doi, "11.1000/x"),
        (clean_doi, "10.1000/x y"),
        (clean_count, "1.5"),
        (clean_count, "99999999999"),
        (clean_count, "²"),
    ],
)
def test_it_refuses_a_bad_field(clean: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r" is no .*; write it like | is no count"):
        clean(text)
