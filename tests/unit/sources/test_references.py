"""BibTeX and RIS."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.sources.base import Listing, SourceError
from newsletter.sources.bibtex import is_bibtex, load_bibtex
from newsletter.sources.ris import is_ris, load_ris
from tests.unit.sources.samples import read_sample

BIB = read_sample("references.bib")
RIS = read_sample("references.ris")


@pytest.fixture(scope="module")
def bib() -> Listing:
    return load_bibtex(BIB)


@pytest.fixture(scope="module")
def ris() -> Listing:
    return load_ris(RIS)


def test_it_reads_an_entry(bib: Listing) -> None:
    paper = bib.papers[0]
    assert paper.title == r"{Gardens} That {R}emember: $a<b$ in Fr\'echet Spaces"
    assert paper.authors == ("Ada Example", "The Garden Consortium", r"N{\"o}rr Sample")
    assert paper.journal == "Journal of Gardens (Series B)"  # a macro, and a text joined to it
    assert (paper.doi, paper.url) == ("10.1000/garden.9", "https://example.org/gardens")
    assert paper.abstract == r'They grow, {"}quoted{"}, and 20\% fade.'
    assert paper.ai_keywords == ("gardens", "memory", "paths")
    assert paper.published_at == datetime(2026, 11, 1, tzinfo=UTC)


def test_it_reads_arxiv_entries_and_round_brackets(bib: Listing) -> None:
    kites, brackets = bib.papers[1:3]
    assert (kites.arxiv_id, kites.categories) == ("2611.00002", ("cs.RO",))
    assert kites.url == "https://arxiv.org/abs/2611.00002"
    assert (brackets.title, brackets.journal) == ("Round Brackets", "Proc. of Kites")


def test_it_loses_one_entry_to_an_open_brace_not_the_file(bib: Listing) -> None:
    assert [(one.where, one.reason) for one in bib.refusals] == [
        ("record 4 (line 18, broken)", "a brace is not closed"),
        ("record 5 (line 20, untitled)", "it has no title"),
    ]
    assert bib.papers[-1].title == "The Last One"


def test_it_reads_a_ris_record(ris: Listing) -> None:
    paper = ris.papers[0]
    assert paper.title == "Gardens in Rows"
    assert paper.abstract == "They grow in rows. The rows go on in the next line."
    assert paper.authors == ("Ada Example", "Noor Sample, Jr.")
    assert (paper.doi, paper.journal) == ("10.1000/rows", "Journal of Gardens")
    assert paper.published_at == datetime(2026, 11, 5, tzinfo=UTC)
    assert (paper.ai_keywords, paper.note) == (("gardens", "rows"), "read this")


def test_it_refuses_ris_records_that_are_cut_or_untitled(ris: Listing) -> None:
    assert [one.where for one in ris.refusals] == [
        "record 2 (line 17)",
        "record 3 (line 20)",
        "record 4 (line 25)",
    ]
    assert "before its end, “ER”" in ris.refusals[1].reason
    assert "the file ends inside it" in ris.refusals[2].reason


@pytest.mark.parametrize(
    ("text", "bibtex", "ris"),
    [
        (BIB, True, False),
        (RIS, False, True),
        ("@home is a title\n\nAn abstract.", False, False),
        ("TY is a title", False, False),
    ],
)
def test_it_tells_them_by_their_beginning(text: str, bibtex: bool, ris: bool) -> None:
    assert (is_bibtex(text), is_ris(text)) == (bibtex, ris)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*BIB.split(" "), "{", "}", '"', "@a{", "#", "\n@b{k,"])))
def test_it_survives_any_order_of_bibtex(parts: list[str]) -> None:
    try:
        listing = load_bibtex(" ".join(parts))
    except SourceError:
        return
    assert all(paper.title for paper in listing.papers)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(RIS.split("\n"))))
def test_it_survives_any_order_of_ris_lines(lines: list[str]) -> None:
    try:
        listing = load_ris("\n".join(lines))
    except SourceError:
        return
    assert all(paper.title for paper in listing.papers)


@pytest.mark.parametrize(
    "piece", ["@a{x, t={\n", '@a{x, t="\n', "@a{", "@a{x,\n", "@string{a=", "#"]
)
def test_it_takes_linear_time_for_hostile_bibtex(piece: str) -> None:
    started = time.monotonic()
    try:
        load_bibtex("@article{k, title={T}}\n" + piece * 20_000)
    finally:
        assert time.monotonic() - started < 5
