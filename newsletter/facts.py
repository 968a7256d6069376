"""What is known of every stored paper beside its words, in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    F,
    Func,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import MD5, Coalesce, Concat, TruncDate

from newsletter.matching.packs import Array
from newsletter.models import Paper
from newsletter.withdrawals import LEFT_OUT

_READ = ("title", "abstract", "organization", "organization_handle")
_READ_LISTS = ("ai_keywords", "authors", "categories")
_TYPES = {
    "ids": np.int64,
    "words": np.int64,
    "upvotes": np.int32,
    "comments": np.int32,
    "published": np.float64,
    "days": np.int32,
    "hidden": np.bool_,
}
ASKED = 10_000  # papers in a query


@dataclass(frozen=True, slots=True)
class Facts:
    """Papers in order by id. `words` is a hash of the texts that matching reads of a paper.

    `published` is in seconds, -inf where it is not known; `days` are ordinals: when the paper was
    listed last, or else published or stored.
    """

    ids: Array
    words: Array
    upvotes: Array
    comments: Array
    published: Array
    days: Array
    hidden: Array

    def __len__(self) -> int:
        return len(self.ids)

    def arrays(self) -> dict[str, Array]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def with_papers(self, others: Facts, instead_of: Array) -> Facts:
        """The same, with `others`, and without the papers of the ids `instead_of`."""
        rows, there = self.rows(others.ids)
        if there.all() and np.array_equal(others.ids, instead_of):  # the same papers
            columns = {name: column.copy() for name, column in self.arrays().items()}
            for name, theirs in others.arrays().items():
                columns[name][rows] = theirs
            return Facts(**columns)
        kept = ~np.isin(self.ids, instead_of)
        order = np.argsort(np.concatenate((self.ids[kept], others.ids)), kind="stable")
        return Facts(
            **{
                name: np.concatenate((mine[kept], theirs))[order]
                for (name, mine), theirs in zip(
                    self.arrays().items(), others.arrays().values(), strict=True
                )
            }
        )

    def rows(self, ids: Array) -> tuple[Array, Array]:
        """The rows of these papers, and which of them there are; of the others any row."""
        if not len(self.ids):
            return np.zeros(len(ids), np.int64), np.zeros(len(ids), np.bool_)
        rows = np.searchsorted(self.ids, ids)
        rows[rows == len(self.ids)] = 0
        return rows, self.ids[rows] == ids


def no_facts() -> Facts:
    return _columns([])


def read_facts(papers: QuerySet[Paper]) -> Facts:
    """Return what is stored of these papers."""
    day = Coalesce("newest_listing", TruncDate("published_at"), TruncDate("stored_at"))
    rows = (
        papers.order_by("pk")
        .annotate(words=_hash(), day=day, left_out=Case(When(LEFT_OUT, then=True), default=False))
        .values_list("pk", "words", "upvotes", "comments", "published_at", "day", "left_out")
    )
    return _columns(
        (
            key,
            words,
            upvotes,
            comments,
            published.timestamp() if published else float("-inf"),
            listed.toordinal(),
            hidden,
        )
        for key, words, upvotes, comments, published, listed, hidden in rows.iterator(ASKED)
    )


def read_facts_of(ids: Sequence[int]) -> Facts:
    """Return what is stored of the papers of these ids, as far as there are any."""
    facts = no_facts()
    for first in range(0, len(ids), ASKED):
        some = read_facts(Paper.objects.filter(pk__in=ids[first : first + ASKED]))
        facts = facts.with_papers(some, some.ids)
    return facts


def _columns(rows: Iterable[tuple[Any, ...]]) -> Facts:
    columns = list(zip(*rows, strict=True)) or [()] * len(_TYPES)
    return Facts(
        **{
            name: np.array(column, kind)
            for (name, kind), column in zip(_TYPES.items(), columns, strict=True)
        }
    )


def _hash() -> Func:
    """Sixteen of the digits of MD5, of everything matching reads of a paper, as a number."""
    gap = Value("\x1f")
    lists = [
        Func(F(name), gap, function="array_to_string", output_field=TextField())
        for name in _READ_LISTS
    ]
    parts: list[Any] = []
    for part in (*map(F, _READ), *lists):
        parts += [part, gap]
    digest = MD5(Concat(*parts, output_field=CharField()))
    template = "('x' || left(%(expressions)s, 16))::bit(64)::bigint"
    return Func(digest, template=template, output_field=BigIntegerField())
