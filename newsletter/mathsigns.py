"""What LaTeX's commands are in MathML: tables, and letters in other alphabets."""

from __future__ import annotations

import unicodedata

_FUNCTIONS = """
arg cos cosh cot csc deg det dim exp gcd inf ker lg lim liminf limsup ln log max min Pr sec sin sinh
sup tan tanh
"""
NAMES = frozenset(_FUNCTIONS.split())
_TEXT_COMMANDS = "text textrm textit textbf textsc mathrm mathsf mathtt operatorname mbox"
TEXTS = frozenset(_TEXT_COMMANDS.split())
LOOKS = {
    "mathbb": "DOUBLE-STRUCK",
    "mathcal": "SCRIPT",
    "mathscr": "SCRIPT",
    "mathfrak": "FRAKTUR",
    "mathbf": "MATHEMATICAL BOLD",
    "bm": "MATHEMATICAL BOLD",
    "boldsymbol": "MATHEMATICAL BOLD",
}
OVER = {
    "hat": "^",
    "widehat": "^",
    "bar": "¯",
    "overline": "¯",
    "tilde": "~",
    "widetilde": "~",
    "vec": "→",
    "dot": "˙",
    "ddot": "¨",
}
RELATIONS = frozenset("=<>≤≥≪≫≠≈∼≃≅≡∝≲≳→←↔⇒⇐⇔↦∈∉⊂⊆⊃⊇")
SPACES = {",": "0.167em", ":": "0.222em", ";": "0.278em", " ": "0.278em", "!": "0"}
WIDE = {"quad": "1em", "qquad": "2em", "thinspace": "0.167em"}
_SIZES = "left right big Big bigg Bigg bigl bigr Bigl Bigr displaystyle textstyle"
IGNORED = frozenset(_SIZES.split())
LARGE = {"sum": "∑", "prod": "∏", "int": "∫", "bigcup": "⋃", "bigcap": "⋂", "oint": "∮"}
FENCES = {"{": "{", "}": "}", "|": "‖", "%": "%", "#": "#", "$": "$", "&": "&", "_": "_"}
NAMED_FENCES = {  # that are not among the signs of `matching.latex`
    "lVert": "‖",
    "rVert": "‖",
    "lbrace": "{",
    "rbrace": "}",
}


def dress(word: str, look: str) -> str:
    """Return ASCII letters and digits in another alphabet of Unicode, where it has them.

    "" for a word of anything else.
    """
    if not (word.isascii() and word.isalnum()):
        return ""
    return "".join(_dress(char, look.removeprefix("MATHEMATICAL ")) for char in word)


def _dress(char: str, look: str) -> str:
    if char.isdigit():
        kinds = [f"MATHEMATICAL {look} DIGIT"]
        name = unicodedata.name(char).removeprefix("DIGIT ")
    else:
        size = "CAPITAL" if char.isupper() else "SMALL"
        letter = {"FRAKTUR": "BLACK-LETTER"}.get(look, look)
        kinds = [f"MATHEMATICAL {look} {size}", f"{letter} {size}"]
        name = char.upper()
    for kind in kinds:
        try:
            return unicodedata.lookup(f"{kind} {name}")
        except KeyError:
            continue
    return char
