"""Addresses in letters: those a page would show, and no others."""

from __future__ import annotations

import pytest
from django.test import override_settings

from newsletter.cards import make_byline, make_card, make_links, make_outlinks, paper_address
from newsletter.models import Paper

EVIL = (
    "javascript:alert(1)",
    "https://arxiv.org@evil.example/",
    "https://user:pass@evil.example/",
    "//evil.example/",
    "https://127.0.0.1/",
    "https://evil.example:8443/",
    "https://xn--80ak6aa92e.com/",
    'https://example.org/"onmouseover="x',
)


@pytest.mark.parametrize("url", EVIL)
@override_settings(SITE_URL="https://papers.example.org")
def test_it_puts_no_address_into_a_letter_that_a_page_would_not_show(url: str) -> None:
    paper = Paper(pk=7, title="T", abstract="A", url=url, code_url=url, project_url=url)
    card = make_card(paper, [], None)
    assert card.url == paper_address(paper) == "https://papers.example.org/p/7"
    assert [(link.label, link.url) for link in card.links] == [("Read", card.url)]
    assert make_outlinks(paper) == ()


def test_it_refuses_identifiers_that_are_none() -> None:
    paper = Paper(pk=7, title="T", arxiv_id="2602.1/../../evil", doi="javascript:alert(1)")
    paper.url = "https://journal.example.org/7"
    assert [(link.label, link.url) for link in make_links(paper)] == [("Article", paper.url)]


def test_it_links_to_the_best_place_and_the_works() -> None:
    paper = Paper(
        pk=7, title="T", arxiv_id="2602.00001", doi="10.1000/a<b", url="https://x.example/"
    )
    paper.code_url, paper.project_url = "https://github.com/a/b", "https://arxiv.org/abs/2602.00001"
    assert [(link.label, link.url) for link in make_links(paper)] == [
        ("arXiv", "https://arxiv.org/abs/2602.00001"),
        ("Code", "https://github.com/a/b"),
    ]
    assert [link.url for link in make_outlinks(paper)][1] == "https://doi.org/10.1000/a%3Cb"


def test_it_says_where_a_paper_had_appeared_when_it_was_sent() -> None:
    paper = Paper(pk=7, title="T", categories=["cs.LG"], frozen_journal="Nature", journal="Science")
    assert make_byline(paper) == ("cs.LG", "Nature")
