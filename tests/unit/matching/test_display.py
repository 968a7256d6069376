"""What a reader sees: never LaTeX, tags or controls, and nothing lost."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.matching.display import marked_segments, readable, snippet, title_key
from tests.unit.matching.papers import needs_pages, page_documents
from tests.unit.matching.test_text import ANY_CHARACTERS, ANY_TEXT


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("the {\\em linear speedup} effect", "the linear speedup effect"),
        ("\\textbf{L}azy, \\emph{x} and \\textit{y}", "Lazy, x and y"),
        ('Fr\\\'echet na\\"{\\i}ve Gy\\"{o}rgy Aky\\"urek', "Fréchet naïve György Akyürek"),
        ("\\c{c} \\c c \\v{s} \\H{o} \\o re \\ss{} \\aa", "ç ç š ő øre ß å"),
        ("at \\url{https://x.org/a_b}.", "at https://x.org/a_b."),
        ("20\\% of R\\&D \\$5 \\#1 a\\_b", "20% of R&D $5 #1 a_b"),
        ("$x_{1}$ and $x_1^2$ in $R^d$", "x₁ and x₁² in Rᵈ"),
        ("10^3--10^4, O(T^{2/3}), B_{ex}, G_F", "10³–10⁴, O(T^(2/3)), Bₑₓ, G_F"),
        ("$x_{\\text{train}}$ $\\frac{1}{n}$ $\\sqrt{n}$", "x_train 1/n √n"),
        ("$\\alpha \\geq 3 \\gg 0.1 \\pm 2$", "α ≥ 3 ≫ 0.1 ± 2"),
        ("a -- b --- c---d", "a – b — c—d"),
        ("Figure~1, 1M~60M, ~10\\%", "Figure 1, 1M~60M, ~10%"),
        ("``quoted'' and it's", "“quoted” and it's"),
        ("a &amp; b &lt; c, AT&T, &copy 2", "a & b < c, AT&T, &copy 2"),
        ("<p>one</p><p>two</p> H<sub>2</sub>O", "one two H2O"),
        ("a < b and $x_{1}<y$ & c", "a < b and x₁<y & c"),
        ("x<y and y>z, <think> <b and c> </think>", "x<y and y>z, <think> <b and c> </think>"),
        ("costs $5 and $10 or 3 each", "costs $5 and $10 or 3 each"),
        ('say \\"hello\\" now', 'say "hello" now'),
        ("\\ours{} and \\LaTeX", "ours and LaTeX"),
        ("we \\cite{x} \\href{http://a}{see}", "we see"),
        ("pass --verbose", "pass --verbose"),
        ("  two\n lines\tand\u00a0more ", "two lines and more"),
        ("in\u202evis\u200bible\x00\ufeff", "invisible"),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 4),
        ("half \ud800", "half \ufffd"),
        ("", ""),
        ("\\", "\\"),
    ],
)
def test_it_shows(raw: str, shown: str) -> None:
    assert readable(raw).text == shown


def test_it_maps_a_raw_span_to_what_is_shown() -> None:
    raw = 'The \\textbf{L}azy  na\\"{\\i}ve &amp; {\\em rich} way'
    shown = readable(raw)
    for word, text in (
        ("L}azy", "Lazy"),
        ('na\\"{\\i}ve', "naïve"),
        ("rich", "rich"),
        ("&amp;", "&"),
    ):
        start = raw.index(word)
        first, last = shown.display_span(start, start + len(word))
        assert shown.text[first:last] == text


def test_it_marks_a_title() -> None:
    segments = marked_segments("On {\\em Lazy} Learning", [(8, 12), (14, 22)])
    assert [(one.text, one.marked) for one in segments] == [
        ("On ", False),
        ("Lazy", True),
        (" ", False),
        ("Learning", True),
    ]


SPANS = st.lists(st.tuples(st.integers(-3, 80), st.integers(-3, 80)), max_size=5)


@given(st.one_of(ANY_TEXT, ANY_CHARACTERS), SPANS)
def test_it_marks_without_changing_the_text(raw: str, spans: list[tuple[int, int]]) -> None:
    joined = "".join(segment.text for segment in marked_segments(raw, spans))
    assert joined == readable(raw).text


@given(st.one_of(ANY_TEXT, ANY_CHARACTERS))
def test_it_shows_no_controls_and_single_spaces(raw: str) -> None:
    text = readable(raw).text
    assert not re.search(r"\s\s|^\s|\s$", text)
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in text)
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", text)
    text.encode("utf-8")


@given(st.one_of(ANY_TEXT, ANY_CHARACTERS), st.integers(0, 80), st.integers(0, 80))
def test_it_maps_any_span_inside(raw: str, start: int, end: int) -> None:
    shown = readable(raw)
    first, last = shown.display_span(start, end)
    assert 0 <= first <= last <= len(shown.text)


@given(ANY_TEXT.map(lambda text: text * 9), SPANS, st.integers(20, 300))
def test_it_cuts_a_snippet_out_of_the_text(
    raw: str, spans: list[tuple[int, int]], limit: int
) -> None:
    cut = snippet(raw, spans, limit)
    assert len(cut.text) <= limit
    assert cut.text in readable(raw).text


ABSTRACT = "First we begin. " + "Then we go on and on. " * 30 + "Here grokking occurs. We end here."


def test_it_cuts_a_snippet_around_the_first_hit() -> None:
    start = ABSTRACT.index("grokking")
    cut = snippet(ABSTRACT, [(start, start + 8)], 120)
    assert cut.leading
    assert not cut.trailing
    assert cut.text.endswith("Here grokking occurs. We end here.")
    assert cut.text.startswith("Then we")
    assert [one.text for one in cut.segments if one.marked] == ["grokking"]


def test_it_cuts_a_snippet_from_the_beginning_without_a_hit() -> None:
    cut = snippet(ABSTRACT, [], 100)
    assert cut.text.startswith("First we begin.")
    assert cut.text.endswith("on.")
    assert (cut.leading, cut.trailing) == (False, True)


def test_it_keeps_a_short_abstract_whole() -> None:
    cut = snippet("Short {\\em text}.", [], 400)
    assert (cut.text, cut.leading, cut.trailing) == ("Short text.", False, False)


@pytest.mark.parametrize(
    "other",
    [
        "lazy pretraining of C++",
        "\\textbf{L}azy Pretraining of C++.",
        "“Lazy” Pretraining — of {C}++",
    ],
)
def test_it_knows_a_title_again(other: str) -> None:
    assert title_key("Lazy Pretraining of C++") == title_key(other)
    assert title_key("Weak-to-Strong") == title_key("weak to strong") == "weak to strong"


def test_it_keeps_titles_apart() -> None:
    assert title_key("Networks") != title_key("Network")
    assert title_key("???") != title_key("!!!")


@needs_pages
def test_it_shows_no_latex_of_the_saved_pages() -> None:
    for document in page_documents():
        for raw in (document.title, document.abstract):
            assert not re.search(r"\\[A-Za-z'\"%]|\{\\", readable(raw).text)
            assert len(readable(raw).text) > 0.9 * len(raw)
