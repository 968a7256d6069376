"""Styles moved into the elements: mail programs drop style sheets. The only user of premailer."""

from __future__ import annotations

import logging
import re

from premailer import Premailer

DOCTYPE = "<!DOCTYPE html>"
# Premailer turns colours, widths and alignments into attributes that HTML no longer has.
ATTRIBUTES = ["align", "bgcolor", "height", "valign", "width"]

_STYLE = re.compile(r"""(<[A-Za-z][^<>]* style=)("[^"<>]*"|'[^'<>]*')""")


def inline_css(html: str) -> str:
    """Return `html` with its style sheet written into each element; media queries stay.

    Loads nothing. `!important` is kept, or the dark rules would lose to what was inlined.
    """
    inliner = Premailer(
        html.strip(),
        allow_network=False,
        cssutils_logging_level=logging.CRITICAL,
        disable_basic_attributes=ATTRIBUTES,
        disable_leftover_css=False,
        disable_link_rewrites=True,
        disable_validation=True,
        keep_style_tags=False,
        strip_important=False,
    )
    inlined: str = inliner.transform(pretty_print=False)
    if inlined[: len(DOCTYPE)].casefold() != DOCTYPE.casefold():
        inlined = f"{DOCTYPE}\n{inlined}"
    return _STYLE.sub(_tighten, inlined)


def _tighten(tag: re.Match[str]) -> str:
    """Return a start tag without the spaces between its declarations: there are a thousand."""
    return tag[1] + tag[2].replace("; ", ";")
