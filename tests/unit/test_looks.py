"""The operator's accent: contrast, and the nearest colour that has enough."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import looks
from newsletter.paths import ROOT

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
STYLES = (ROOT / "newsletter/static/newsletter/site.css").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#9a3412", "#9a3412", 1.0)],
)
def test_it_measures_contrast_as_wcag_does(one: str, other: str, ratio: float) -> None:
    assert looks.contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert looks.contrast(other, one) == looks.contrast(one, other)


@given(COLOURS)
def test_it_finds_a_readable_colour_for_any(colour: str) -> None:
    for grounds in (looks.LIGHT, looks.DARK):
        mended = looks.mend_colour(colour, grounds)
        assert looks.least_contrast(mended, grounds) >= looks.ENOUGH
        assert looks.mend_colour(mended, grounds) == mended
    assert looks.least_contrast(looks.accent_for_dark(colour), looks.DARK) >= looks.ENOUGH


def test_it_leaves_a_readable_colour_alone() -> None:
    assert looks.mend_colour(looks.ACCENT, looks.LIGHT) == looks.ACCENT
    assert looks.accent_for_dark(looks.ACCENT) == looks.ACCENT_DARK


@pytest.mark.parametrize("text", ["red", "#fff", "9a3412", "#9a341g", "#9a3412; }", ""])
def test_it_refuses_what_is_no_colour(text: str) -> None:
    with pytest.raises(ValueError, match="six hexadecimal digits"):
        looks.parse_colour(text)


def test_it_knows_the_colours_of_the_style_sheet() -> None:
    light, dark = STYLES.split("@media (prefers-color-scheme: dark)", 1)
    assert read_colours(light, "paper", "desk") == looks.LIGHT
    assert read_colours(dark, "paper", "desk") == looks.DARK
    assert read_colours(light, "accent") == (looks.ACCENT,)
    assert read_colours(dark, "accent") == (looks.ACCENT_DARK,)


def test_it_has_readable_colours_of_its_own() -> None:
    light, dark = STYLES.split("@media (prefers-color-scheme: dark)", 1)
    for part, grounds in ((light, looks.LIGHT), (dark, looks.DARK)):
        for colour in read_colours(part, "ink", "soft", "accent", "good", "warn", "bad"):
            assert looks.least_contrast(colour, grounds) >= looks.ENOUGH, colour
        (edge,) = read_colours(part, "edge")
        assert looks.least_contrast(edge, grounds) >= 3  # WCAG 2.2, 1.4.11: the frame of a field


def test_it_is_linked_by_nothing_but_its_own_address() -> None:
    folder = Path(ROOT / "newsletter/static/newsletter")
    for path in folder.rglob("*.css"):
        assert not re.search(r"url\(|@import", path.read_text(encoding="utf-8")), path.name


def read_colours(part: str, *names: str) -> tuple[str, ...]:
    """The values of custom properties, each as it is written first."""
    found = [re.search(rf"--{name}: (#[0-9a-f]{{6}})", part) for name in names]
    return tuple(match.group(1) if match else "" for match in found)
