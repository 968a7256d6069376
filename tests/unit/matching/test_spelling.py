"""Nearly the same words: compared with the textbook's distance, letter by letter."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.matching.spelling import Speller, compile_speller, other_spellings

WORDS = st.lists(st.text("abcd", min_size=1, max_size=9), max_size=12)


def distance(first: str, second: str) -> int:
    """Letters added, taken out, changed, or neighbours swapped."""

    @cache
    def between(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        best = min(
            between(i - 1, j) + 1,
            between(i, j - 1) + 1,
            between(i - 1, j - 1) + (first[i - 1] != second[j - 1]),
        )
        if i > 1 and j > 1 and first[i - 2 : i] == second[j - 2 : j][::-1]:
            best = min(best, between(i - 2, j - 2) + 1)
        return best

    return between(len(first), len(second))


@given(st.text("abcd", min_size=3, max_size=9), WORDS)
def test_it_finds_all_words_a_slip_or_two_away(word: str, words: list[str]) -> None:
    most = 1 if len(word) <= 5 else 2
    expected = {
        (number, distance(word, other))
        for number, other in enumerate(words)
        if len(other) >= 3 and 0 < distance(word, other) <= most
    }
    assert set(Speller(compile_speller(words)).near(word)) == expected


@pytest.mark.parametrize("word", ["", "ab", "δelta", "a" * 25])
def test_it_has_nothing_near_words_it_does_not_compare(word: str) -> None:
    assert Speller(compile_speller(["abc", "delta", "ab", ""])).near(word) == []


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("parameterised", "parameterized"),
        ("optimization", "optimisation"),
        ("analysed", "analyzed"),
        ("behaviour", "behavior"),
        ("modeling", "modelling"),
        ("labelled", "labeled"),
        ("centre", "center"),
        ("catalog", "catalogue"),
        ("defence", "defense"),
        ("one", "1"),
        ("1", "one"),
        ("δ", "delta"),
        ("Delta", "δ"),
    ],
)
def test_it_spells_otherwise(word: str, other: str) -> None:
    assert other in list(other_spellings(word))


def test_it_leaves_words_that_have_one_spelling() -> None:
    assert list(other_spellings("grokking")) == []
