"""What does occur near a query that finds nothing: other spellings, slips, words apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from itertools import islice

from newsletter.matching.base import QueryError
from newsletter.matching.packs import Array
from newsletter.matching.postings import Postings
from newsletter.matching.query import parse_query
from newsletter.matching.spelling import Speller, other_spellings
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from newsletter.matching.text import is_acronym, normalise
from newsletter.matching.tree import MIN_PREFIX, And, Atom, Or, Query

LIMIT = 5
_NEAR_WORDS = 6  # of each word, those that occur most often
_RARE = 5  # a word that occurs less often may be a slip
_MOST_APART = 5  # words of a phrase that are looked for one by one
_RUN = re.compile(r"[^\W_]+")
_PREFIX = 3
_Near = tuple[int, str]  # how far, and the query
Count = Callable[[Query, Synonyms], int]


class Nearest:
    """Suggestions from the words of the papers in `postings`.

    `count` says how many papers a query finds, where these are not all of them.
    """

    def __init__(self, postings: Postings, count: Count | None = None) -> None:
        self._postings = postings
        self._lexicon = postings.lexicon
        self._speller = Speller(postings.arrays)
        self._find = count or _count_in(postings)

    def suggest(
        self, query: Query, synonyms: Synonyms = DEFAULT_SYNONYMS, expand: bool = True
    ) -> tuple[tuple[str, int], ...]:
        """Queries near `query` that find something, nearest first, and how many papers they find.

        Of a query of several parts: each part that finds something by itself, and what is near to
        those that do not.
        """
        found: dict[str, tuple[int, int]] = {}
        for distance, text in self._candidates(query, synonyms, expand):
            if text not in found or distance < found[text][0]:
                count = found[text][1] if text in found else self._count(text, synonyms, expand)
                found[text] = distance, count
        near = sorted(
            ((distance, -count, text) for text, (distance, count) in found.items() if count),
        )
        seen: dict[str, int] = {}
        for distance, count, text in near:
            again = distance == _PREFIX and -count in seen.values()
            if not again and _key(text) not in map(_key, seen):
                seen[text] = -count
        return tuple(islice(seen.items(), LIMIT))

    def _count(self, text: str, synonyms: Synonyms, expand: bool) -> int:
        try:
            query = parse_query(text)
        except QueryError:
            return 0
        return self._find(query, synonyms if expand else Synonyms())

    def _candidates(self, query: Query, synonyms: Synonyms, expand: bool) -> Iterator[_Near]:
        whole = query.canonical
        for atom in query.atoms():
            text = str(atom)
            if text != whole and self._count(text, synonyms, expand):
                yield 4, text
                continue
            near = [one for one in self._near_atom(atom) if one[1] != text]
            same = [one for one in near if one[0] == 0 and self._count(one[1], synonyms, expand)]
            yield from same or near  # what is only spelled otherwise is surely meant
        if isinstance(query.root, And | Or):
            yield from ((3, str(part)) for part in query.root.items if isinstance(part, Or | And))

    def _near_atom(self, atom: Atom) -> Iterator[_Near]:
        if atom.field == "cat":
            labels = self._postings.categories()
            for label in get_close_matches(atom.words, labels, LIMIT, 0.5):
                yield 1, f"cat:{label}"
            return
        for distance, words in self._near_words(atom):
            yield distance, _write(atom, words)
        if atom.quoted and not atom.slack:
            yield 1, _write(Atom(atom.words, atom.field), atom.words)
        yield from _apart(atom)

    def _near_words(self, atom: Atom) -> Iterator[_Near]:
        words = atom.words
        runs = list(_RUN.finditer(words))
        changed = words
        for run in reversed(runs):
            for other in other_spellings(run.group()):
                yield 0, words[: run.start()] + other + words[run.end() :]
                changed = changed[: run.start()] + other + changed[run.end() :]
        yield 0, changed
        if words != words.casefold():
            yield 1, words.casefold()
        counts = self._postings.form_counts(atom.field)
        for run in runs:
            for slips, other in self._slips(run.group(), counts):
                yield slips, words[: run.start()] + other + words[run.end() :]
        joined = "".join(run.group() for run in runs)
        if len(runs) > 1:
            parts = {run.group() for run in runs}
            yield from (near for near in self._slips(joined, counts) if near[1] not in parts)
        elif "*" not in words:
            yield from ((1, f"{joined[:at]} {joined[at:]}") for at in self._splits(joined))
            if len(joined) >= MIN_PREFIX and joined.isalpha():
                yield _PREFIX, f"{joined}*"

    def _slips(self, word: str, counts: Array) -> Iterator[_Near]:
        """The words that occur and are nearly `word`, if it occurs rarely or never."""
        form = normalise(word).forms
        number = self._lexicon.forms.find(form[0]) if form else None
        often = int(counts[number]) if number is not None else 0
        if often >= _RARE:
            return
        found = self._speller.near(form[0] if form else word, counts > often)
        near = [(slips, -int(counts[other]), other) for other, slips in found]
        for slips, _, other in sorted(near)[:_NEAR_WORDS]:
            yield slips, self.spelled(self._lexicon.form(other))

    def _splits(self, word: str) -> Iterator[int]:
        for at in range(1, len(word)):
            if self._occurs(word[:at].casefold()) and self._occurs(word[at:].casefold()):
                yield at

    def _occurs(self, form: str) -> bool:
        return self._lexicon.forms.find(form) is not None

    def spelled(self, form: str) -> str:
        """A form as a query has it: an acronym with its capitals, else as it is written most."""
        lexicon, stream = self._lexicon, self._postings.streams
        numbers = lexicon.with_form(form)
        often = max(numbers, key=lambda n: sum(s.count(n, n + 1) for s in stream))
        words = normalise(lexicon.surface(often)).words
        if not words:
            return form
        if is_acronym(words[0]):
            return words[0].capitals
        written = (lexicon.surface(number).casefold() for number in numbers)
        return form if form in written else words[0].lower


def _count_in(postings: Postings) -> Count:
    return lambda query, synonyms: int(postings.find(query, synonyms).sum())


def _write(atom: Atom, words: str) -> str:
    bound = bool(atom.field) and " " in words  # a field takes one word, unless they are quoted
    return str(Atom(words, atom.field, atom.quoted or bound, atom.slack))


def _apart(atom: Atom) -> Iterator[_Near]:
    """The words of a phrase, with others in between, and anywhere."""
    words = atom.words.split()
    if not 2 <= len(words) <= _MOST_APART or atom.field in ("org", "author"):
        return
    if "*" not in atom.words and atom.slack < 2:
        yield 2, str(Atom(atom.words, atom.field, True, 2))
    yield 3, " AND ".join(str(Atom(word, atom.field)) for word in words)


def _key(text: str) -> str:
    """What makes suggestions the same to readers: hyphens, spaces and quotes make none."""
    return text if " AND " in text else re.sub(r"[\s\-\"]", "", text.casefold())
