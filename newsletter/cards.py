"""From a picked paper to the card a letter prints: byline, snippet, links, and why it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from string import Formatter
from typing import Any, NamedTuple

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, gettext_lazy, ngettext

from newsletter import links
from newsletter.identity import is_preprint
from newsletter.mail.letter import Card, Draft, Link, Turns
from newsletter.mail.lru import Recent
from newsletter.matching.base import Reason
from newsletter.matching.display import Marked, Span, cut_snippet, mark_text, readable
from newsletter.models import Paper
from newsletter.outlinks import OutLink, arxiv_link, doi_link, make_outlink
from newsletter.remarks import tell_journal

SNIPPET_CHARACTERS = 400
_FULL_STOP: Turns = (".",)
NAMES_SHOWN = 2
CATEGORIES_SHOWN = 3
OLD = timedelta(days=60)  # an older paper says when it was published
FIELDS = {
    "title": gettext_lazy("in the title"),
    "keywords": gettext_lazy("in its keywords"),
    "abstract": gettext_lazy("in the abstract"),
    "authors": gettext_lazy("among the authors"),
    "organizations": gettext_lazy("as the organisation"),
    "categories": gettext_lazy("as its category"),
}
TIMES = {
    2: gettext_lazy("twice {place}"),
    3: gettext_lazy("three times {place}"),
    4: gettext_lazy("four times {place}"),
    5: gettext_lazy("five times {place}"),
}


class Found(NamedTuple):
    """What an interest adds to the card of a paper: the words to mark, and to the sentence why.

    `words` are spans of the raw title and of the raw abstract.
    """

    words: tuple[tuple[Span, ...], tuple[Span, ...]]
    why: Turns


def explain_found(interest: str, reasons: Sequence[Reason], *, also: bool) -> Found:
    """Return what an interest, as typed, adds to the card of a paper found for `reasons`.

    `also`: a stronger interest found the paper too.
    """
    title, abstract = (_spans(reasons, name) for name in ("title", "abstract"))
    return Found((title, abstract), _explain_one(interest, reasons, also=also))


def make_card(
    paper: Paper, found: Sequence[Found], listed_on: date | None, feedback_url: str = ""
) -> Card:
    """Return the card of a paper found by interests, in the active language.

    The first interest is the strongest; `listed_on` is given for a paper that came late.
    """
    return make_draft(paper, found, listed_on, get_language()).card(feedback_url)


def make_draft(
    paper: Paper,
    found: Sequence[Found],
    listed_on: date | None,
    language: str | None,
    kept: Recent[Any, Any] | None = None,
    tail: str = "",
) -> Draft:
    """Return the draft of `make_card`'s card; its readers' own links end in `tail`.

    `language` is the active one.

    In `kept` stays what is the same whatever words are marked, and whatever interest they are of.
    """
    kept = Recent(1) if kept is None else kept
    title: Sequence[Span]
    abstract: Sequence[Span]
    if len(found) == 1:
        title, abstract = found[0].words
    else:
        title = sorted({span for one in found for span in one.words[0]})
        abstract = sorted({span for one in found for span in one.words[1]})
    pk = paper.pk
    plain: Card = kept.get((pk, language), _make_plain, paper, listed_on)
    marked: Marked = kept.get((pk, tuple(title)), mark_text, paper.title, title)
    cut = cut_snippet(paper.abstract, abstract, SNIPPET_CHARACTERS)
    why = (*[one.why for one in found], _FULL_STOP)
    return Draft(plain, marked, cut, cut.start > 0, cut.end < len(cut.text), why, tail)


def _make_plain(paper: Paper, listed_on: date | None) -> Card:
    """Return a paper's card without what depends on the words found."""
    return Card(
        title=(),
        url=paper_address(paper),
        byline=make_byline(paper),
        snippet=(),
        cut_before=False,
        cut_after=False,
        why=(),
        links=make_links(paper),
        note=_format_late(listed_on) if listed_on else "",
    )


def _spans(reasons: Sequence[Reason], name: str) -> tuple[Span, ...]:
    return tuple(sorted({(r.start, r.end) for r in reasons if r.field == name}))


def paper_address(paper: Paper) -> str:
    """Return where a reader is sent to read: the source's page, else this site's own."""
    readings = _find_readings(paper)
    return readings[0].url if readings else links.paper_url(paper.pk)


def make_links(paper: Paper) -> tuple[Link, ...]:
    """Return a card's links, the first the one to read the paper: none a page would not show."""
    address, readings = paper_address(paper), _find_readings(paper)
    label = gettext("Article") if readings else gettext("Read")
    label = "arXiv" if readings and readings[0].host == "arxiv.org" else label
    further = [Link(one.label, one.url) for one in _find_works(paper) if one.url != address]
    return (Link(label, address), *further)


def make_outlinks(paper: Paper) -> tuple[OutLink, ...]:
    """Return where the paper can be read, its code and its project: the safe addresses of these."""
    found: dict[str, OutLink] = {}
    for one in (*_find_readings(paper), *_find_works(paper)):
        found.setdefault(one.url, one)
    return tuple(found.values())


def _find_readings(paper: Paper) -> list[OutLink]:
    found = (
        arxiv_link("arXiv", paper.arxiv_id) if paper.arxiv_id else None,
        doi_link(_name_doi(paper.doi), paper.doi) if paper.doi else None,
        make_outlink(gettext("Source"), paper.url) if paper.url else None,
    )
    return [one for one in found if one]


def _name_doi(doi: str) -> str:
    return gettext("Preprint") if is_preprint(doi) else gettext("Article")


def _find_works(paper: Paper) -> list[OutLink]:
    found = (
        make_outlink(gettext("Code"), paper.code_url) if paper.code_url else None,
        make_outlink(gettext("Project"), paper.project_url) if paper.project_url else None,
    )
    return [one for one in found if one]


def make_byline(paper: Paper) -> tuple[str, ...]:
    """Return the parts of the line under a title: who, where, categories, counts."""
    parts = [
        format_authors(paper),
        readable(paper.organization).text,
        ", ".join(paper.categories[:CATEGORIES_SHOWN]),
        tell_journal(paper.frozen_journal),
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
        return ngettext("%d author", "%d authors", count) % count if count else ""
    if len(names) <= NAMES_SHOWN + 1:
        return join_words(names)
    rest = len(names) - NAMES_SHOWN
    words = ngettext("%(names)s, and %(rest)d more", "%(names)s, and %(rest)d more", rest)
    return words % {"names": ", ".join(names[:NAMES_SHOWN]), "rest": rest}


def format_published(paper: Paper) -> str:
    """Return the day an old paper was published, "" for a new one."""
    edition = paper.edition
    if paper.published_at is None or edition is None:
        return ""
    day = paper.published_at.date()
    return date_format(day, "DATE_FORMAT") if edition.date - day > OLD else ""


def _format_late(listed_on: date) -> str:
    return gettext("Late: listed on {day}").format(day=date_format(listed_on, "DAY"))


def join_words(words: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return gettext("{some} and {last}").format(some=", ".join(words[:-1]), last=words[-1])


def _explain_one(interest: str, reasons: Sequence[Reason], *, also: bool) -> Turns:
    language = get_language()
    word = _found_as(interest, [reason.text for reason in reasons])
    where = _where(language, tuple([reason.field for reason in reasons]))
    pattern = _why_pattern(language, also, bool(word), bool(where))
    return fill_turns(pattern, "interest", interest=interest, word=word, where=where)


@lru_cache(maxsize=200)
def _why_pattern(language: str, also: bool, named: bool, found: bool) -> str:
    """Return the sentence; `language` is the active one, here and below."""
    if not found:  # the paper's text is another now
        return gettext("; also {interest}") if also else gettext("Here because of {interest}")
    if named:
        further = gettext("; also {interest} (as “{word}”), {where}")
        return further if also else gettext("Here because of {interest} (as “{word}”), {where}")
    further = gettext("; also {interest}, {where}")
    return further if also else gettext("Here because of {interest}, {where}")


def fill_turns(pattern: str, marked: str, **values: str) -> Turns:
    """Return a translated sentence with its values filled in, the one called `marked` marked."""
    turns = [""]
    for text, name in _parse_pattern(pattern):
        turns[-1] += text
        if name == marked:
            turns += (values[name], "")
        elif name:
            turns[-1] += values[name]
    return tuple(turns)


@lru_cache(maxsize=500)
def _parse_pattern(pattern: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((text, name) for text, name, _, _ in Formatter().parse(pattern))


def make_similar_draft(paper: Paper, liked: Paper, how: str, listed_on: date | None) -> Draft:
    """Return the draft of a paper that no interest found, for its likeness to `liked`."""
    draft = make_draft(paper, [], listed_on, get_language())
    return draft._replace(why=(explain_likeness(liked.title, how),))


def explain_likeness(title: str, how: str) -> Turns:
    """Return "Similar to “…”, which you saved.", for a paper that no interest found."""
    patterns = {
        "saved": gettext("Similar to “{title}”, which you saved."),
        "liked": gettext("Similar to “{title}”, of which you wanted more."),
        "opened": gettext("Similar to “{title}”, which you opened."),
    }
    return fill_turns(patterns[how], "title", title=readable(title).text)


def _found_as(interest: str, found: Sequence[str]) -> str:
    """Return “reinforcement learning” where no word found is what was typed, else ""."""
    if not found:
        return ""
    typed = _letters(interest.casefold())
    if any(_letters(_shown(text)) in typed for text in found):
        return ""
    return _shown(found[0])


# The same words are found in paper after paper, and one reader's interest is many a reader's.
@lru_cache(maxsize=5_000)
def _shown(text: str) -> str:
    return readable(text).text


@lru_cache(maxsize=5_000)
def _letters(text: str) -> str:
    """Return the text's letters and digits alone, a plural s dropped: enough to see a variant."""
    return "".join([c for c in text.casefold() if c.isalnum()]).removesuffix("s")


@lru_cache(maxsize=2_000)
def _where(language: str, fields: tuple[str, ...]) -> str:
    """Return "twice in the abstract and in the title"."""
    counts: Mapping[str, int] = Counter(fields)
    places = []
    for name, place in FIELDS.items():
        number = counts.get(name, 0)
        if number > 1 and name in ("title", "abstract"):
            times = TIMES.get(number) or gettext("{number} times {place}")
            places.append(str(times).format(number=number, place=place))
        elif number:
            places.append(str(place))
    return join_words(places)
