"""Acronyms that papers define themselves: a long form, then its short form in parentheses.

After Schwartz and Hearst, “A simple algorithm for identifying abbreviation definitions in
biomedical text” (PSB 2003). Theirs are the candidates and the conditions; but their matching from
right to left takes “policy optimization” for PPO, so a long form is tried first whose every word
gives letters of the short form in order, beginning with its initial.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from newsletter.matching.display import Readable, Span, readable
from newsletter.matching.synonyms import is_short_form, long_key

_SHORT = r"[^\W_][^\W_]*(?:-[^\W_]+)?"
_PARENTHESES = re.compile(r"\(([^()]{2,200})\)")
_SHORT_INSIDE = re.compile(rf"[\s\"“'‘]*({_SHORT})[\"”'’]?\s*(?=[,;]|$)")
_SHORT_BEFORE = re.compile(rf"(?<![\w\-/.])({_SHORT})[\"”'’]?\s?$")
_END = re.compile(r"[.,;:!?()\[\]{}](?=\s|$|[\"”'’])|[()\[\]{}]")
_WORD = re.compile(r"[^\s\"“”‘]+")
_PLURAL = re.compile(r"(?<=[A-Z0-9])s$")
_REACH = 200  # characters before the parenthesis
_LONGEST_SHORT = 10  # characters, as in the paper
# They may be passed over: mixture *of* experts, learning *from* human feedback.
_SMALL = frozenset(
    {"a", "an", "and", "as", "at", "by", "for", "from", "in", "into", "of", "on", "or", "over"}
    | {"the", "through", "to", "under", "using", "via", "with", "without"}
)


@dataclass(frozen=True, slots=True)
class Definition:
    """`long` and `short` as a reader sees them, the short one in the singular.

    The offsets are into the raw text: of all of it, and of either form.
    """

    short: str
    long: str
    start: int
    end: int
    short_span: Span
    long_span: Span


def find_definitions(raw: str) -> tuple[Definition, ...]:
    """The acronyms `raw` defines, in order of their parentheses. Never raises."""
    if "(" not in raw:
        return ()
    shown = readable(raw)
    found = (_define(shown, place) for place in _PARENTHESES.finditer(shown.text))
    return tuple(definition for definition in found if definition is not None)


def _define(shown: Readable, place: re.Match[str]) -> Definition | None:
    """The definition a pair of parentheses holds: `long (SHORT)`, else `SHORT (long)`."""
    text = shown.text
    inside = _SHORT_INSIDE.match(place[1])
    if inside and _is_short(inside[1]):
        at = place.start(1) + inside.start(1)
        long = _long_before(text, place.start(), _singular(inside[1]))
        return _make(shown, (at, at + len(inside[1])), long, place) if long else None
    first = max(0, place.start() - 2 * _LONGEST_SHORT)
    before = _SHORT_BEFORE.search(text[first : place.start()])
    if before and _is_short(before[1]):
        at = first + before.start(1)
        whole = _long_inside(text, place, _singular(before[1]))
        return _make(shown, (at, at + len(before[1])), whole, place) if whole else None
    return None


def _make(shown: Readable, short: Span, long: Span, place: re.Match[str]) -> Definition | None:
    name, meaning = _singular(shown.text[slice(*short)]), shown.text[slice(*long)]
    key = long_key(meaning)
    # Letters alone: a formula is no name, and a word that is the short form explains nothing.
    if len(key) <= len(name) or name.casefold() in meaning.casefold().split():
        return None
    start, end = shown.raw_span(min(short[0], long[0]), place.end())
    return Definition(name, meaning, start, end, shown.raw_span(*short), shown.raw_span(*long))


def _is_short(text: str) -> bool:
    return len(text) <= _LONGEST_SHORT and is_short_form(text)


def _singular(short: str) -> str:
    """LLM for LLMs, where what is left is still an acronym."""
    single = _PLURAL.sub("", short)
    return single if is_short_form(single) else short


def _long_before(text: str, end: int, short: str) -> Span | None:
    """The long form of `short` that ends right before the parenthesis at `end`."""
    letters = _letters(short)
    first = max(0, end - _REACH)
    window = text[first:end]
    breaks = [found.end() for found in _END.finditer(window.rstrip())]
    begin = breaks[-1] if breaks else 0
    words = [word.span() for word in _WORD.finditer(window, begin)]
    if first and words and words[0][0] == 0:
        words = words[1:]  # the window cut it
    words = words[-min(len(letters) + 5, 2 * len(letters)) :]
    at = _aligned_start(window, words, letters)
    if at is None:
        at = _greedy_start(window, words, letters)
    return (first + at, first + words[-1][1]) if at is not None else None


def _long_inside(text: str, place: re.Match[str], short: str) -> Span | None:
    """All that the parentheses hold up to a comma, where it is exactly the long form."""
    inside = _END.split(place[1], maxsplit=1)[0]
    words = [word.span() for word in _WORD.finditer(inside)]
    letters = _letters(short)
    if not words or len(words) > min(len(letters) + 5, 2 * len(letters)):
        return None
    if not _aligns([_letters(inside[slice(*word)]) for word in words], letters):
        return None
    return place.start(1) + words[0][0], place.start(1) + words[-1][1]


def _aligned_start(text: str, words: Sequence[Span], letters: str) -> int | None:
    """Where the shortest long form begins whose every word gives letters, None without one."""
    spelt = [_letters(text[slice(*word)]) for word in words]
    for first in reversed(range(len(words))):
        if spelt[first][:1] == letters[:1] and _aligns(spelt[first:], letters):
            return words[first][0]
    return None


def _aligns(words: Sequence[str], letters: str) -> bool:
    """Whether `letters` are those of `words` in order, of each word its initial and maybe more."""
    reached = {0}  # how many letters the words so far may have given
    for position, word in enumerate(words):
        given = {at + count for at in reached for count in _shares(word, letters[at:])}
        passes = position > 0 and word in _SMALL
        reached = given | reached if passes else given
    return len(letters) in reached


def _shares(word: str, letters: str) -> Iterator[int]:
    """How many of the first `letters` a word may give: its initial, then any others in order."""
    at = -1
    for count, letter in enumerate(letters, start=1):
        at = word.find(letter, at + 1)
        if at < 0 or (count == 1 and at > 0):
            return
        yield count


def _greedy_start(text: str, words: Sequence[Span], letters: str) -> int | None:
    """Schwartz and Hearst's own: each letter as far right as it goes, the first begins a word."""
    if not words:
        return None
    begin, end = words[0][0], words[-1][1]
    window = "".join(_plain(char) for char in text[begin:end])
    at = len(window)
    for index in reversed(range(len(letters))):
        at -= 1
        while at >= 0 and not (
            window[at] == letters[index] and (index > 0 or at == 0 or not window[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return None
    start = begin + window.rfind(" ", 0, at + 1) + 1
    # Nearly all of the letters are initials: else any long enough sentence would do.
    initials = "".join(_letters(part)[:1] for part in re.split(r"[\s/-]+", text[start:end]))
    return start if len(letters) - _common(initials, letters) <= len(letters) // 4 else None


def _common(initials: str, letters: str) -> int:
    """The length of the longest common subsequence."""
    lengths = [0] * (len(letters) + 1)
    for initial in initials:
        old = lengths[:]
        for at, (left, _) in enumerate(pairwise(old), start=1):
            same = initial == letters[at - 1]
            lengths[at] = left + 1 if same else max(old[at], lengths[at - 1])
    return lengths[-1]


def _letters(text: str) -> str:
    """The letters and digits, without case and accents."""
    return "".join(plain for char in text if (plain := _plain(char)).isalnum())


def _plain(char: str) -> str:
    """One character in lower case without its accent; always one."""
    return unicodedata.normalize("NFD", char)[0].lower()[0]
