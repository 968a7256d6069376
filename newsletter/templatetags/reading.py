"""What the reading pages need of a template beyond Django's own."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from newsletter.mathematics import Element, Part
from newsletter.sheets import Sheet

register = template.Library()

# The elements mathematics makes; their names are written into the page, so no other may be.
_NAMES = "math mi mn mo mtext mspace mrow mfrac msqrt mroot msub msup msubsup mover"
_ELEMENTS = frozenset(_NAMES.split())
_ATTRIBUTES = frozenset({"width", "stretchy"})


@register.simple_tag
def sheet(paper: Sheet, dated: bool = False) -> SafeString:
    """A paper in a list, with the day it was listed on where `dated`."""
    return _render_sheet(paper, dated, get_language() or "")


# The same hundred papers are asked for all day. A sheet is all that its lines are made of.
@lru_cache(maxsize=2_000)
def _render_sheet(paper: Sheet, dated: bool, language: str) -> SafeString:
    return render_to_string("web/reading/sheet.html", {"paper": paper, "dated": dated})


@register.filter
def mathematics(part: Part) -> SafeString | str:
    """A formula as MathML, other text as it is."""
    if not part.formula:
        return part.text
    return format_html_join("", "{}", ((_element(piece),) for piece in part.formula))


def _element(element: Element) -> SafeString:
    if element.name not in _ELEMENTS or any(k not in _ATTRIBUTES for k, _ in element.attributes):
        raise ValueError(f"{element.name} is no element of formulas")
    attributes = format_html_join("", ' {}="{}"', element.attributes)
    inner = format_html_join("", "{}", ((_element(child),) for child in element.children))
    name = element.name
    return format_html("<{}{}>{}{}</{}>", name, attributes, element.text, inner, name)
