"""How matching reads one word, each surface once."""

from __future__ import annotations

from typing import NamedTuple

from newsletter.matching.plural import singular

BREAK = "\n"  # stands between words where a phrase must not cross: . , ; : ! ? ( )


class Word(NamedTuple):
    """How matching reads one word.

    `form`: casefolded, singular; what is compared. `lower`: casefolded, as it stands, for prefixes.
    `capitals`: as long as `form`, with the capitals as written, for acronyms. `surface`: as it is,
    without apostrophes.
    """

    form: str
    lower: str
    capitals: str
    surface: str


def is_acronym(word: Word) -> bool:
    """Whether a query's word must match with its capitals: two or more, in at most six letters."""
    if word.capitals == word.form:
        return False  # most are in lower case
    capitals = sum(map(str.isupper, word.capitals))
    return capitals >= 2 and sum(map(str.isalpha, word.capitals)) <= 6


_REMEMBERED = 500_000  # surfaces, each read once


class _Words(dict[str, Word]):
    """Words by surface, each read once."""

    def __missing__(self, surface: str) -> Word:
        if len(self) > _REMEMBERED:
            self.clear()
        word = self[surface] = _read(surface)
        return word


class _Forms(dict[str, str]):
    """Their forms, apart because almost all that matching asks for is the form."""

    def __missing__(self, surface: str) -> str:
        if len(self) > _REMEMBERED:
            self.clear()
        form = self[surface] = WORDS[surface].form
        return form


class _Lowers(dict[str, str]):
    """Their lower case, for prefixes."""

    def __missing__(self, surface: str) -> str:
        if len(self) > _REMEMBERED:
            self.clear()
        lower = self[surface] = WORDS[surface].lower
        return lower


WORDS = _Words()
FORMS = _Forms()
LOWERS = _Lowers()


def _read(surface: str) -> Word:
    if surface[0] in ".,;:!?()":
        return Word(BREAK, BREAK, BREAK, BREAK)
    if surface[-1] in "+#" and surface[1] not in "+#":
        surface = surface.rstrip("+#")  # C++, but no GPT++
    if "'" in surface:
        head, _, tail = surface.rpartition("'")
        surface = (head if tail in ("s", "S") else surface).replace("'", "")
    lower = surface.casefold()
    base = surface
    if (
        surface[-1] == "s"
        and sum(map(str.isupper, surface[:-1])) >= 2
        and not surface[-2].islower()
    ):
        base = surface[:-1]  # LLMs
    folded = base.casefold()
    form = singular(folded)
    if len(folded) != len(base) or not folded.startswith(form):
        return Word(form, lower, form, surface)
    capitals = base[: len(form)]
    if len(form) < len(base) and base[-1] == "S":
        # A capital S is no plural: MCTS must not be MCT. It stands in for the letter before it.
        capitals = capitals[:-1] + "S"
    return Word(form, lower, capitals, surface)
