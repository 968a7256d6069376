"""All that is shown of one paper, its neighbours and how it is cited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from newsletter.citations import Citation
from newsletter.identity import is_preprint
from newsletter.links import paper_url
from newsletter.matching.display import readable
from newsletter.mathematics import Part, read_parts
from newsletter.models import Paper
from newsletter.outlinks import OutLink, doi_link, make_outlink
from newsletter.reading import list_day
from newsletter.remarks import tell_journal, tell_reason, tell_withdrawal
from newsletter.search import find_similar
from newsletter.sheets import (
    Sheet,
    kept_papers,
    make_links,
    make_search,
    make_sheet,
    paper_day,
)
from newsletter.sources.identifiers import DOI

SIMILAR = 5


@dataclass(frozen=True, slots=True)
class Sought:
    """A name or a word of a paper, and the search that finds more of it, "" where none can."""

    text: str
    query: str


@dataclass(frozen=True, slots=True)
class Whole:
    """All that is shown of one paper.

    Its neighbours in its day, and the papers most like it, are (id, title). `withdrawn` says who
    took it back and when, "" of one that stands, and `reason` why in the words of its
    authors.
    `published` leads to where it appeared in `journal`; `comment` is the authors' own.
    """

    sheet: Sheet
    abstract: tuple[Part, ...]
    authors: tuple[Sought, ...]
    author_count: int
    organization: Sought | None
    categories: tuple[Sought, ...]
    keywords: tuple[Sought, ...]
    citation: Citation
    previous: tuple[int, str] | None
    next: tuple[int, str] | None
    similar: tuple[tuple[int, str], ...]
    withdrawn: str
    reason: str
    journal: str
    published: tuple[OutLink, ...]
    comment: str


class PaperMissing(LookupError):  # noqa: N818
    """No such paper; `hidden` where there is one, which the editor took off the site.

    `instead` is the id of the paper that a hidden one turned out to be.
    """

    def __init__(self, hidden: bool, instead: int | None = None) -> None:
        super().__init__("the paper is hidden" if hidden else "there is no such paper")
        self.hidden = hidden
        self.instead = instead


def read_paper(paper_id: int) -> Whole:
    """Return one paper, withdrawn or not; `PaperMissing` where there is none to show."""
    paper = kept_papers().filter(pk=paper_id).first()
    if paper is None:
        same = Paper.objects.filter(pk=paper_id).values_list("same_as", flat=True)
        raise PaperMissing(bool(same), next(iter(same), None))
    organization = readable(paper.organization).text
    previous, following = _beside(paper)
    return Whole(
        sheet=make_sheet(paper),
        abstract=read_parts(paper.abstract),
        authors=_seek("author", paper.authors),
        author_count=paper.author_count or len(paper.authors),
        organization=Sought(organization, make_search("org", organization))
        if organization
        else None,
        categories=tuple(
            Sought(name, f"cat:{name}" if make_search("", name) and " " not in name else "")
            for name in (readable(category).text for category in paper.categories)
        ),
        keywords=_seek("", paper.ai_keywords),
        citation=make_citation(paper),
        previous=previous,
        next=following,
        similar=_find_similar(paper),
        withdrawn=tell_withdrawal(paper),
        reason=tell_reason(paper),
        journal=tell_journal(paper.journal),
        published=_find_published(paper),
        comment=readable(paper.note).text,
    )


def make_citation(paper: Paper) -> Citation:
    """Return what a reference to the paper says: readable texts, and only safe addresses."""
    links = make_links(paper)
    published = paper.published_at.astimezone(UTC).date() if paper.published_at else None
    names = (readable(name).text for name in paper.authors)
    read = {link.url: link for link in links}
    code = {make_outlink("", url) for url in (paper.code_url, paper.project_url)}
    others = {link.url for link in code if link is not None}
    return Citation(
        title=readable(paper.title).text,
        authors=tuple(name for name in names if name),
        abstract=readable(paper.abstract).text,
        year=paper.year or (published.year if published else None),
        day=published,
        arxiv_id=paper.arxiv_id or "",
        primary_class=readable(paper.categories[0]).text if paper.categories else "",
        doi=paper.doi or "",
        url=next((url for url in read if url not in others), ""),
        page=paper_url(paper.pk),
        keywords=tuple(readable(word).text for word in paper.ai_keywords),
        journal=tell_journal(paper.journal),
        venue=paper.origins.get("journal") == "openreview",
        version=paper.version,
        withdrawn=paper.withdrawn_at.astimezone(UTC).date() if paper.withdrawn_at else None,
    )


def _find_published(paper: Paper) -> tuple[OutLink, ...]:
    """The articles that a preprint became, by the DOIs that it has or that sources relate it to."""
    given = paper.identifiers.filter(identifier__startswith=f"{DOI}:").order_by("pk")
    others = (one.partition(":")[2] for one in given.values_list("identifier", flat=True))
    dois = dict.fromkeys([*([paper.doi] if paper.doi else []), *others])
    found = (doi_link(f"doi:{doi}", doi) for doi in dois if not is_preprint(doi))
    return tuple(link for link in found if link is not None)


def _seek(field: str, texts: Sequence[str]) -> tuple[Sought, ...]:
    found = (readable(text).text for text in texts)
    return tuple(Sought(text, make_search(field, text)) for text in found if text)


def _beside(paper: Paper) -> tuple[tuple[int, str] | None, tuple[int, str] | None]:
    """The papers before and after one in the order of its day."""
    day = paper_day(paper)
    if day is None:
        return None, None
    rows = [(key, title) for key, title in list_day(day).values_list("pk", "title")]
    at = next((at for at, row in enumerate(rows) if row[0] == paper.pk), None)
    if at is None:
        return None, None
    named = [(key, readable(title).text) for key, title in rows[max(at - 1, 0) : at + 2]]
    here = min(at, 1)
    return (named[0] if here else None), (named[here + 1] if len(named) > here + 1 else None)


def _find_similar(paper: Paper) -> tuple[tuple[int, str], ...]:
    keys = find_similar(paper, SIMILAR)
    titles = dict(Paper.objects.filter(pk__in=keys).values_list("pk", "title"))
    return tuple((key, readable(titles[key]).text) for key in keys if key in titles)
