"""From a picked paper to the card a letter prints: byline, snippet, links, and why it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from newsletter import links
from newsletter.mail.letter import Card, Link
from newsletter.matching.base import Reason
from newsletter.matching.display import Segment, marked_segments, readable, snippet
from newsletter.models import Paper

SNIPPET_CHARACTERS = 400
NAMES_SHOWN = 2
CATEGORIES_SHOWN = 3
OLD = timedelta(days=60)  # an older paper says when it was published
FIELDS = {
    "title": "in the title",
    "keywords": "in its keywords",
    "abstract": "in the abstract",
    "authors": "among the authors",
    "organizations": "as the organisation",
    "categories": "as its category",
}
TIMES = {2: "twice", 3: "three times", 4: "four times", 5: "five times"}


def make_card(
    paper: Paper, found: Sequence[tuple[str, Sequence[Reason]]], listed_on: date | None
) -> Card:
    """Return the card of a paper found by interests: [(interest as typed, reasons), …].

    The first interest is the strongest; `listed_on` is given for a paper that came late.
    """
    reasons = [reason for _, some in found for reason in some]
    spans = {name: _spans(reasons, name) for name in ("title", "abstract")}
    cut = snippet(paper.abstract, spans["abstract"], SNIPPET_CHARACTERS)
    return Card(
        title=marked_segments(paper.title, spans["title"]),
        url=paper_address(paper),
        byline=make_byline(paper),
        snippet=cut.segments,
        cut_before=cut.leading,
        cut_after=cut.trailing,
        why=explain_why(found),
        links=make_links(paper),
        note=f"Late: listed on {format_day(listed_on)}" if listed_on else "",
    )


def _spans(reasons: Sequence[Reason], name: str) -> list[tuple[int, int]]:
    return sorted({(r.start, r.end) for r in reasons if r.field == name})


def paper_address(paper: Paper) -> str:
    """Return where a reader is sent to read: the source's page, else this site's own."""
    if paper.arxiv_id:
        return f"https://arxiv.org/abs/{paper.arxiv_id}"
    if paper.doi:
        return f"https://doi.org/{paper.doi}"
    return paper.url or links.paper_url(paper.pk)


def make_links(paper: Paper) -> tuple[Link, ...]:
    """Return a card's links, the first the one to read the paper."""
    label = "arXiv" if paper.arxiv_id else "Article" if paper.doi or paper.url else "Read"
    found = [Link(label, paper_address(paper))]
    if paper.code_url:
        found.append(Link("Code", paper.code_url))
    if paper.project_url:
        found.append(Link("Project", paper.project_url))
    return tuple(found)


def make_byline(paper: Paper) -> tuple[str, ...]:
    """Return the parts of the line under a title: who, where, categories, counts."""
    parts = [
        format_authors(paper),
        readable(paper.organization).text,
        ", ".join(paper.categories[:CATEGORIES_SHOWN]),
        format_published(paper),
    ]
    if paper.frozen_upvotes:
        parts.append(f"▲\u00a0{paper.frozen_upvotes}")
    return tuple(part for part in parts if part)


def format_authors(paper: Paper) -> str:
    """Return "Ada Example, Noor Sample, and 4 more", or their number where names are not known."""
    names = [readable(name).text for name in paper.authors]
    if not names:
        count = paper.author_count or 0
        return f"{count} author{'s' * (count != 1)}" if count else ""
    if len(names) <= NAMES_SHOWN + 1:
        return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
    return f"{', '.join(names[:NAMES_SHOWN])}, and {len(names) - NAMES_SHOWN} more"


def format_published(paper: Paper) -> str:
    """Return the day an old paper was published, "" for a new one."""
    edition = paper.edition
    if paper.published_at is None or edition is None:
        return ""
    day = paper.published_at.date()
    return f"{day.day} {day:%b %Y}" if edition.date - day > OLD else ""


def format_day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def explain_why(found: Sequence[tuple[str, Sequence[Reason]]]) -> tuple[Segment, ...]:
    """Return "Here because of RL (as “reinforcement learning”), twice in the abstract; also …"."""
    segments = [Segment("Here because of ", marked=False)]
    for position, (interest, reasons) in enumerate(found):
        if position:
            segments.append(Segment("; also ", marked=False))
        segments.append(Segment(interest, marked=True))
        where = f", {_where(reasons)}" if reasons else ""  # the paper's text may be another now
        segments.append(Segment(f"{_found_as(interest, reasons)}{where}", marked=False))
    segments.append(Segment(".", marked=False))
    return tuple(segments)


def make_similar_card(paper: Paper, liked: Paper, how: str, listed_on: date | None) -> Card:
    """Return the card of a paper that no interest found, for its likeness to `liked`."""
    return replace(make_card(paper, [], listed_on), why=explain_likeness(liked.title, how))


def explain_likeness(title: str, how: str) -> tuple[Segment, ...]:
    """Return "Similar to “…”, which you saved.", for a paper that no interest found."""
    ends = {"saved": "which you saved", "opened": "which you opened"}
    return (
        Segment("Similar to “", marked=False),
        Segment(readable(title).text, marked=True),
        Segment(f"”, {ends[how]}.", marked=False),
    )


def _found_as(interest: str, reasons: Sequence[Reason]) -> str:
    """Return ' (as “reinforcement learning”)' where no word found is what was typed."""
    typed = interest.casefold()
    texts = [readable(reason.text).text for reason in reasons]
    if not texts or any(_letters(text) in _letters(typed) for text in texts):
        return ""
    return f" (as “{texts[0]}”)"


def _letters(text: str) -> str:
    """Return the text's letters and digits alone, a plural s dropped: enough to see a variant."""
    return "".join(c for c in text.casefold() if c.isalnum()).removesuffix("s")


def _where(reasons: Sequence[Reason]) -> str:
    counts: Mapping[str, int] = Counter(reason.field for reason in reasons)
    places = []
    for name, words in FIELDS.items():
        number = counts.get(name, 0)
        if number > 1 and name in ("title", "abstract"):
            places.append(f"{TIMES.get(number, f'{number} times')} {words}")
        elif number:
            places.append(words)
    return " and ".join([", ".join(places[:-1]), places[-1]] if len(places) > 1 else places)
