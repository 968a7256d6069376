"""Formulas as MathML: right for what is common in abstracts, plain text for the rest."""

from __future__ import annotations

from datetime import date
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.matching.display import readable
from newsletter.mathematics import Element, read_formula, read_parts
from newsletter.sample import load_sample
from newsletter.templatetags.reading import mathematics

NAMES = "math mi mn mo mtext mspace mrow mfrac msqrt mroot msub msup msubsup mover"
ELEMENTS = set(NAMES.split())


def show(element: Element) -> str:
    """An element in short: (name text children)."""
    inner = " ".join(map(show, element.children))
    return f"{element.name}[{element.text or inner}]"


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        ("x", "math[mi[x]]"),
        ("12.5", "math[mn[12.5]]"),
        (r"\alpha k^2", "math[mi[α] msup[mi[k] mn[2]]]"),
        ("x_i^{2}", "math[msubsup[mi[x] mi[i] mn[2]]]"),
        ("10^{-3}", "math[msup[mn[10] mrow[mo[−] mn[3]]]]"),
        (r"\frac{a}{b+1}", "math[mfrac[mi[a] mrow[mi[b] mo[+] mn[1]]]]"),
        (r"\sqrt{\epsilon}", "math[msqrt[mi[ε]]]"),
        (r"\sqrt[3]{x}", "math[mroot[mi[x] mn[3]]]"),
        (r"\mathbb{R}^n", "math[msup[mi[ℝ] mi[n]]]"),
        (r"\mathcal{O}(1)", "math[mi[𝒪] mo[(] mn[1] mo[)]]"),
        (r"\mathrm{KL}", "math[mtext[KL]]"),
        (r"\hat{y}", "math[mover[mi[y] mo[^]]]"),
        (r"f'", "math[msup[mi[f] mo[′]]]"),
        (r"\{a\}", "math[mo[{] mi[a] mo[}]]"),
        (r"\left( x \right.", "math[mo[(] mi[x]]"),
        (r"a \leq b", "math[mi[a] mo[≤] mi[b]]"),
        (r"n \log n", "math[mi[n] mspace[] mi[log] mspace[] mi[n]]"),
        (r"^{\circ}", "math[msup[mrow[] mo[∘]]]"),
        (
            r"a_{max} \leq x + 1 = y",
            "math[msub[mi[a] mrow[mi[m] mi[a] mi[x]]] mo[≤] mi[x] mo[+] mn[1] mo[=] mi[y]]",
        ),
        (
            r"\mathrm{Risk}(x, y) \leq \mathrm{Price}",
            "math[mtext[Risk] mo[(] mi[x] mo[,] mi[y] mo[)]] math[mo[≤] mtext[Price]]",
        ),
        ("x+" * 20 + "1", "text"),
        (r"\begin{matrix} a \end{matrix}", "text"),
        (r"\unknown{x}", "text"),
        (r"\frac{a}", "text"),
        ("a_b_c", "text"),
        ("{a", "text"),
        ("a}", "text"),
        ("a & b", "text"),
        ("{" * 50 + "}" * 50, "text"),
        ("", "text"),
    ],
)
def test_it_reads_formulas(latex: str, shown: str) -> None:
    assert " ".join(map(show, read_formula(latex))) == (shown if shown != "text" else "")


def test_it_leaves_money_alone() -> None:
    parts = read_parts("It costs $5 to $6, or $n$ more.")
    assert [part.text for part in parts] == ["It costs $5 to $6, or ", "n", " more."]
    assert [bool(part.formula) for part in parts] == [False, True, False]


def test_it_shows_every_abstract_of_the_sample_as_it_reads() -> None:
    formulas = []
    for paper in load_sample(date(2026, 1, 16)).papers:
        parts = read_parts(paper.abstract)
        shown = "".join(part.text for part in parts)
        assert "".join(shown.split()) == "".join(readable(paper.abstract).text.split())
        formulas += [part.formula for part in parts if "$" in paper.abstract]
    assert sum(map(bool, formulas)) > 40


@settings(max_examples=300)
@given(st.text(alphabet="ab$\\{}^_<>\"'&/ frac\u202e\u0301", max_size=60))
def test_it_writes_well_formed_mathematics_and_nothing_else(raw: str) -> None:
    for part in read_parts(raw):
        if not part.formula:
            continue
        root = fromstring(f"<row>{mathematics(part)}</row>")
        assert {piece.tag for piece in root} == {"math"}
        assert {element.tag for element in root.iter()} <= ELEMENTS | {"row"}
        assert {name for element in root.iter() for name in element.attrib} <= {
            "width",
            "stretchy",
        }
