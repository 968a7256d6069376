"""Names of people, as sources write them in one string."""

from __future__ import annotations

import re

from newsletter.sources.fields import clean_text

MAX_AUTHORS = 5_000  # collaborations print some 3,000

_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md"})
_AND = re.compile(r"\s+(?:and|&)\s+")
_NOBODY = frozenset({"", "et al", "others", "and others", "anonymous", "n/a", "unknown"})


def split_authors(text: str) -> tuple[str, ...]:
    """The names of a comma-joined string, as arXiv's feeds write it, in order.

    Affiliations in parentheses are left out, with the commas inside them, nested or not closed;
    LaTeX accents stay, and the commas inside their braces part nothing. A "Jr." belongs to the name
    before it. A last "and" parts names as a comma does.
    """
    names: list[str] = []
    for part in _split_outside(clean_text(text)):
        for piece in _AND.split(part.removeprefix("and ")):
            _add_name(names, piece)
    return tuple(names[:MAX_AUTHORS])


def _split_outside(text: str) -> list[str]:
    """The parts between commas that stand outside parentheses and braces, parentheses left out."""
    parts: list[str] = []
    kept: list[str] = []
    round_, curly = 0, 0
    braces = text.count("{") == text.count("}")  # else one of them is a slip, and parts nothing
    escaped = False
    for char in text:
        plain = not escaped
        escaped = char == "\\" and plain
        if char == "(" and plain:
            round_ += 1
        elif char == ")" and plain:
            round_ = max(round_ - 1, 0)
        elif round_:
            continue
        elif char in ",;" and not curly and plain:
            parts.append("".join(kept))
            kept = []
        else:
            if braces and plain and char in "{}":
                curly = max(curly + (1 if char == "{" else -1), 0)
            kept.append(char)
    return [*parts, "".join(kept)]


def _add_name(names: list[str], piece: str) -> None:
    name = clean_text(piece).strip(" :")
    bare = name.casefold().rstrip(".")
    if bare in _SUFFIXES and names:
        names[-1] = f"{names[-1]}, {name}"
    elif bare not in _NOBODY:
        names.append(name)


def turn_name(text: str) -> str:
    """“Ada Example” of “Example, Ada” or “Example, Jr., Ada”; other names as they are."""
    parts = [part.strip() for part in clean_text(text).split(",") if part.strip()]
    if len(parts) == 3 and parts[1].casefold().rstrip(".") in _SUFFIXES:
        return f"{parts[2]} {parts[0]}, {parts[1]}"
    if len(parts) == 3 and parts[2].casefold().rstrip(".") in _SUFFIXES:
        return f"{parts[1]} {parts[0]}, {parts[2]}"
    return f"{parts[1]} {parts[0]}" if len(parts) == 2 else " ".join(parts)


def join_name(given: str, family: str, suffix: str = "") -> str:
    """The whole name of its parts, any of them empty."""
    name = clean_text(f"{given} {family}")
    return f"{name}, {clean_text(suffix)}" if name and suffix.strip() else name
