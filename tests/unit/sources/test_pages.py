from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from newsletter.sources.base import SourceError
from newsletter.sources.pages import load_page
from tests.unit.sources.samples import needs_shared, read_sample, read_shared

BYLINES = read_sample("page-bylines.txt")
PLAIN = read_sample("page-plain.txt")
ABSTRACT = PLAIN.strip().rsplit("\n\n", 1)[1]

VARIATIONS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "CR": lambda text: text.replace("\n", "\r"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "trailing spaces": lambda text: text.replace("\n", " \u00a0\t\n"),
    "extra blank lines": lambda text: text.replace("\n\n", "\n\n \n\n\n"),
    "blank lines within bylines": lambda text: text.replace("·", "\n·\n"),
    "bylines in one line": lambda text: text.replace("\n·\n", " · "),
    "no blank lines": lambda text: text.replace("\n\n", "\n").replace("We cool", "\nWe cool"),
    "no Daily Papers line": lambda text: text.replace("Daily Papers\n\n", ""),
    "no header but the date": lambda text: text[text.index("Jan 16") :],
    "the header in another order": lambda text: text.replace("Jan 16\n\n", "").replace(
        "new\n", "Jan 16\n\nnew\n", 1
    ),
    "an unknown header line": lambda text: "Log In\n\n" + text,
    "the year in the header": lambda text: text.replace("Jan 16", "Jan 16, 2026"),
    "wrapped lines": lambda text: re.sub(r"(.{60,90}) ", r"\1\n", text),
}


@pytest.mark.parametrize("vary", VARIATIONS.values(), ids=list(VARIATIONS))
def test_it_reads_a_page_in_every_variation(vary: Callable[[str], str]) -> None:
    listing = load_page(vary(BYLINES))
    assert [paper.title for paper in listing.papers] == [
        "Paths That Remember",
        'On the Na\\"{\\i}ve Theory of Kites. We Were Wrong, and Say So',
        "Soup",
    ]
    assert [paper.abstract[:11] for paper in listing.papers] == [
        "We study ho",
        "Kites fly b",
        "We cool sou",
    ]
    assert {paper.listed_on for paper in listing.papers} == {date(2026, 1, 16)}
    assert not listing.refusals


def test_it_reads_a_byline() -> None:
    first, second, third = load_page(BYLINES).papers
    assert (first.author_count, first.organization, first.comments) == (1, "", 2)
    assert (second.author_count, second.organization_handle) == (None, "nvidia")
    assert (third.organization_handle, third.organization) == ("AI-at-Meta", "Meta AI")
    assert (second.comments, third.comments) == (0, 0)
    assert first.published_at == datetime(2025, 11, 23, tzinfo=UTC)
    assert second.published_at == datetime(2026, 1, 3, tzinfo=UTC)
    assert first.upvotes is None


def test_it_reads_a_page_without_bylines() -> None:
    papers = load_page(PLAIN).papers
    assert [paper.title for paper in papers] == ["Paths That Remember", "Do Kites Lean?", "Soup"]
    assert {(paper.listed_on, paper.published_at) for paper in papers} == {(None, None)}
    assert papers[0].comments is None
    assert "Fr\\'echet" in papers[1].abstract


def test_it_reads_a_page_on_which_some_papers_have_no_byline() -> None:
    text = BYLINES.replace("  • 1 authors\n·\nNov 23, 2025 2\n\n", "")
    papers = load_page(text, date(2026, 1, 16)).papers
    assert [paper.author_count for paper in papers] == [None, None, None]
    assert [paper.comments for paper in papers] == [None, 0, 0]


def test_it_joins_the_second_paragraph_of_an_abstract() -> None:
    text = BYLINES.replace("We cool soup.", "We cool soup.\n\nIt takes all day.")
    assert load_page(text).papers[2].abstract == "We cool soup. It takes all day."


def test_it_refuses_an_abstract_without_title_alone() -> None:
    listing = load_page(BYLINES.replace("Paths That Remember\n\n", ""))
    assert [paper.title[-4:] for paper in listing.papers] == ["y So", "Soup"]
    assert listing.refusals[0].reason.endswith("has no title")


def test_it_refuses_a_title_without_abstract_alone() -> None:
    listing = load_page(BYLINES.replace("We cool soup.\n\n", ""))
    assert len(listing.papers) == 2
    assert [(refusal.where, refusal.reason) for refusal in listing.refusals] == [
        ("line 29", "“Soup” has no abstract")
    ]


@pytest.mark.parametrize(
    ("own", "printed", "expected"),
    [
        ("Jan 16", "Nov 23, 2025", date(2026, 1, 16)),  # else the byline lies in the future
        ("Dec 9", "Dec 18, 2024", date(2025, 12, 9)),  # the same month, a later day
        ("Dec 9", "Dec 9, 2025", date(2025, 12, 9)),
        ("Dec 9", "Jun 2, 2025", date(2025, 12, 9)),
        ("Feb 29", "Mar 2, 2027", date(2028, 2, 29)),
        ("Feb 29", "Mar 2, 2024", None),  # neither 2024, as that is too early, nor 2025
        ("Mar 12, 2026", "Jun 2, 2024", date(2026, 3, 12)),
        ("Mar 12", "Jun 2", None),
    ],
)
def test_it_settles_the_year_of_the_page(own: str, printed: str, expected: date | None) -> None:
    text = f"Daily Papers\n\n{own}\n\nSoup\n\n{ABSTRACT}\n\n  • 2 authors\n·\n{printed}\n"
    assert load_page(text).papers[0].listed_on == expected


@pytest.mark.parametrize(
    ("listed_on", "published"),
    [
        (None, None),
        (date(2026, 7, 1), datetime(2026, 6, 9, tzinfo=UTC)),
        (date(2026, 3, 12), datetime(2025, 6, 9, tzinfo=UTC)),  # no paper is of the future
    ],
)
def test_it_dates_bylines_without_a_year(
    listed_on: date | None, published: datetime | None
) -> None:
    text = f"Daily Papers\n\nMar 12\n\nSoup\n\n{ABSTRACT}\n\n  • 2 authors\n·\nJun 9\n"
    paper = load_page(text, listed_on).papers[0]
    assert (paper.published_at, paper.listed_on) == (published, listed_on)


def test_it_keeps_the_dates_of_an_old_page_that_is_listed_today() -> None:
    bylines = "".join(
        f"Soup {day}\n\n{ABSTRACT}\n\n  • 2 authors\n·\n{day}\n\n"
        for day in ("Jun 9", "Nov 2, 2025")
    )
    papers = load_page(f"Daily Papers\n\nDec 9\n\n{bylines}", date(2026, 11, 20)).papers
    assert papers[0].published_at == datetime(2025, 6, 9, tzinfo=UTC)
    assert papers[0].listed_on == date(2026, 11, 20)


def test_it_prefers_the_day_it_is_given() -> None:
    papers = load_page(BYLINES, date(2026, 2, 1)).papers
    assert {paper.listed_on for paper in papers} == {date(2026, 2, 1)}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (BYLINES[: BYLINES.index("We cool")], r"line 29: the page ends inside a paper"),
        (BYLINES[: BYLINES.index("AI-at-Meta")], r"line 31: the page ends inside a paper"),
        (BYLINES[: BYLINES.index("Feb 20")], r"line 33: the page ends inside a byline"),
        (BYLINES.replace("Feb 20, 2024", "Feb 20, 202"), r"line 35: expected the date"),
        (BYLINES.replace("Feb 20, 2024", "Feb 30, 2024"), r"line 35: expected the date"),
        (BYLINES[: BYLINES.index("·")], r"line 17: a byline breaks off"),
        (PLAIN.rstrip()[:-40], r"line 19: the page ends inside a paper"),
        (PLAIN[: PLAIN.index("Stirring")], r"line 19: the page ends inside a paper"),
        (PLAIN.rstrip() + " Others doubt it, e.g.", r"line 19: the page ends inside a paper"),
        (PLAIN.rstrip() + " More (https://ex", r"line 19: the page ends inside a paper"),
        (PLAIN[: PLAIN.index("Paths")], r"the page holds no papers"),
        (PLAIN + "\n" + PLAIN, r"line 25: a second page begins here"),
        (PLAIN.replace("Do Kites Lean?\n\n", ""), r"line 15: expected the abstract of “Kites fly"),
        (PLAIN.replace("\n\nKites fly", "\n\nFly\n\nKites fly"), r"line 15: expected the abstract"),
    ],
    ids=lambda value: value[-30:] if len(value) > 60 else value,
)
def test_it_refuses_a_page_that_breaks_off(text: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint) as caught:
        load_page(text)
    assert "\n" not in str(caught.value)


@needs_shared
def test_it_reads_the_shared_pages() -> None:
    expected: dict[str, tuple[int, date | None]] = {
        "page-2025-12-09.txt": (63, date(2025, 12, 9)),
        "page-2026-01-16.txt": (48, date(2026, 1, 16)),
        "page-undated-03-12.txt": (69, None),
    }
    titles: list[str] = []
    for name, (count, day) in expected.items():
        listing = load_page(read_shared(name))
        assert len(listing.papers) == count
        assert {paper.listed_on for paper in listing.papers} == {day}
        assert min(len(paper.abstract) for paper in listing.papers) > 1300
        assert not listing.refusals
        titles += [paper.title for paper in listing.papers]
    assert (len(titles), len(set(titles))) == (180, 154)


@needs_shared
@pytest.mark.parametrize("name", ["page-2025-12-09.txt", "page-2026-01-16.txt"])
def test_it_never_stores_a_cut_paper_of_a_page_with_bylines(name: str) -> None:
    text = read_shared(name)
    whole = [(paper.title, paper.abstract, paper.author_count) for paper in load_page(text).papers]
    stored = 0
    for end in [*range(300, len(text), 997), *range(len(text) - 4000, len(text), 23)]:
        try:
            papers = load_page(text[:end]).papers
        except SourceError:
            continue
        stored += 1
        got = [(paper.title, paper.abstract, paper.author_count) for paper in papers]
        assert got == whole[: len(got)]
    assert stored < 20  # the cuts that fall between two papers, or into a byline's year or count


@needs_shared
def test_it_never_stores_a_cut_sentence_of_a_page_without_bylines() -> None:
    text = read_shared("page-undated-03-12.txt")
    whole = [(paper.title, paper.abstract) for paper in load_page(text).papers]
    for end in [*range(300, len(text), 997), *range(len(text) - 4000, len(text), 23)]:
        try:
            papers = load_page(text[:end]).papers
        except SourceError:
            continue
        got = [(paper.title, paper.abstract) for paper in papers]
        assert got[:-1] == whole[: len(got) - 1]
        assert got[-1] == whole[len(got) - 1] or re.search(r"[.!?][)\]}\"'$]*$", got[-1][1])
