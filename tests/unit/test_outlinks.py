"""Which addresses a page may link to: a reader can judge them by the host that is shown."""

from __future__ import annotations

import pytest

from newsletter.outlinks import arxiv_link, doi_link, make_outlink

GOOD = [
    ("https://github.com/ada/code", "github.com"),
    ("http://www.example.org/", "example.org"),
    ("https://example.org:443/a?b=c#d", "example.org"),
    ("https://sub.example.co.uk/%7Euser", "sub.example.co.uk"),
    ("https://example.org/a@b", "example.org"),
]
BAD = [
    "",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://example.org/",
    "mailto:ada@example.org",
    "//evil.example/",
    "/relative",
    "https:evil.example",
    "https:/evil.example",
    "https:\\\\evil.example",
    "https://arxiv.org\\@evil.example",
    "https://arxiv.org@evil.example",
    "https://user:pass@example.org/",
    "https://arxiv.org%40evil.example",
    "https://evil。example/",
    "https://аrxiv.org/",  # a Cyrillic а
    "https://xn--rxiv-4ve.org/",
    "https://ex\u200bample.org/",
    "https://example.org/\u202egro.live",
    "https://example.org/a b",
    "https://example.org/\n",
    "https://example.org/\x00",
    'https://example.org/"onclick="x',
    "https://example.org/<script>",
    "https://example.org/`",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://[::1]/",
    "https://localhost/",
    "https://example.org:8443/",
    "https://example.org:99999/",
    "https://.org/",
    "https://-a.org/",
    "https://" + "a" * 64 + ".org/",
    "https://example.org/" + "a" * 500,
    "https://[bad/",
]


@pytest.mark.parametrize(("url", "host"), GOOD)
def test_it_links_to_plain_addresses_and_names_their_host(url: str, host: str) -> None:
    link = make_outlink("Code", url)
    assert link is not None
    assert (link.url, link.host) == (url, host)


@pytest.mark.parametrize("url", BAD)
def test_it_links_to_nothing_that_may_be_another_place(url: str) -> None:
    assert make_outlink("Code", url) is None


def test_it_makes_links_of_ids() -> None:
    link = arxiv_link("arXiv", "hep-th/9901001", "pdf")
    assert link is not None
    assert link.url == "https://arxiv.org/pdf/hep-th/9901001"
    assert arxiv_link("arXiv", "2602.1/../../evil") is None
    assert arxiv_link("arXiv", "٢٦٠٢.00001") is None


def test_it_quotes_what_a_doi_may_hold() -> None:
    link = doi_link("Article", '10.1002/(sici)1097<1::aid>3.0.co;2-"#?x')
    assert link is not None
    assert link.url == "https://doi.org/10.1002/(sici)1097%3C1::aid%3E3.0.co;2-%22%23%3Fx"
    assert doi_link("Article", "javascript:alert(1)") is None
    assert doi_link("Article", "10.1000/a b") is None
