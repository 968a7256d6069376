"""The operator's accent: contrasts by WCAG 2.2, the nearest colour that has enough. Pure."""

from __future__ import annotations

import colorsys
import re

ENOUGH = 4.5  # WCAG 2.2, 1.4.3: text to what is behind it
COMFORT = 7.0  # WCAG 2.2, 1.4.6: what is aimed at where the choice is ours
LIGHT = ("#fffdf8", "#f3f0e8")  # paper and desk of site.css
DARK = ("#1a1814", "#11100d")
ACCENT, ACCENT_DARK = "#9a3412", "#ffb088"

_HEX = re.compile(r"#[0-9a-f]{6}")
_STEPS = 200  # of lightness, when a nearer colour is looked for


def parse_colour(text: str) -> str:
    """Return "#9a3412" for "#9A3412"; `ValueError` for anything but six hexadecimal digits."""
    colour = text.strip().lower()
    if not _HEX.fullmatch(colour):
        raise ValueError(f"{text!r} is no colour: write six hexadecimal digits, as in {ACCENT}")
    return colour


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance, 0 to 1."""
    red, green, blue = (_linear(value) for value in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def least_contrast(colour: str, grounds: tuple[str, ...]) -> float:
    return min(contrast(colour, ground) for ground in grounds)


def accent_for_dark(accent: str) -> str:
    """Return the accent for dark pages that goes with one chosen for light pages."""
    return ACCENT_DARK if accent == ACCENT else mend_colour(accent, DARK, COMFORT)


def mend_colour(colour: str, grounds: tuple[str, ...], enough: float = ENOUGH) -> str:
    """Return the nearest colour of the same hue that is readable on `grounds`, itself if it is.

    It is darkened on light grounds and lightened on dark ones.
    """
    if least_contrast(colour, grounds) >= enough:
        return colour
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    end = 0.0 if luminance(grounds[0]) > 0.5 else 1.0
    for step in range(1, _STEPS):
        value = lightness + (end - lightness) * step / _STEPS
        found = _hex(*colorsys.hls_to_rgb(hue, value, saturation))
        if least_contrast(found, grounds) >= enough:
            return found
    return "#000000" if end == 0.0 else "#ffffff"


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _hex(*channels: float) -> str:
    return "#" + "".join(f"{round(value * 255):02x}" for value in channels)
