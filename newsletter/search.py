"""Search: an interest over everything stored, by the very rules that fill the letters."""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.matching.base import Reason
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.models import Paper
from newsletter.papers import list_documents
from newsletter.synonyms import read_synonyms


@dataclass(frozen=True, slots=True)
class FoundPaper:
    """A stored paper that matches, its raw title, its score and the words that matched."""

    id: int
    title: str
    score: float
    reasons: tuple[Reason, ...]

    def as_dict(self) -> dict[str, object]:
        why = [{"field": reason.field, "text": reason.text} for reason in self.reasons]
        return {"title": self.title, "score": self.score, "why": why}


def search_papers(text: str) -> list[FoundPaper]:
    """Return the stored papers that match `text`, best first; `QueryError` where it is refused."""
    query = parse_query(text)
    stored = Paper.objects.filter(same_as__isnull=True)
    matches = match_query(query, list_documents(stored), read_synonyms())
    ids = [match.document_id for match in matches]
    titles = dict(Paper.objects.filter(pk__in=ids).values_list("id", "title"))
    return [FoundPaper(m.document_id, titles[m.document_id], m.score, m.reasons) for m in matches]
