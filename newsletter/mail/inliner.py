"""`inline_css` line by line: what premailer makes of each form of line is asked once and kept.

A style sheet whose selectors look only at an element and what it stands in gives an element the
same style wherever it stands in the same. So a line of HTML is its form (tags, classes) and its
texts; premailer inlines the form, in what it stands in, with marks for the texts.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from newsletter.mail.inline import inline_css

Stack = tuple[str, ...]  # the start tags a line stands in, from <body> on

VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_HOLE = re.compile(
    r"((?<=>)[^<>]*[^<>\s][^<>]*(?=<|$)|^[^<>]*[^<>\s][^<>]*(?=<|$)"
    r'|(?<= href=")[^"]*|(?<= id=")[^"]*|(?<= aria-label=")[^"]*)'
)
_TAG = re.compile(r"<!--.*?-->|<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9]*)(?P<rest>[^>]*)>")
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_BLOCK = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_SELECTORS = re.compile(r"[\w\s.,>-]*")
_MARK = re.compile(r"zqH\d+qz")
_BEGIN, _END = "<!--zqBqz-->", "<!--zqEqz-->"
# Octets libxml2 writes into an address as they are.
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9_.!~*'()\-@/:=?;#%&,+\[\]$]*")
# What an HTML parser would drop or change.
_ODD = re.compile("[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0001fffd]")


class Unprovable(Exception):  # noqa: N818 - it is a state of affairs
    """Parts cannot be shown to make the same letter as the whole: compose it whole."""


class _Form(NamedTuple):
    """An inlined form: its pieces between the holes, what each hole is, where the next line is."""

    pieces: tuple[str, ...]
    kinds: tuple[str, ...]
    after: Stack


class Inliner:
    """Inlines lines of documents that have this style sheet, as `inline_css` does the whole."""

    def __init__(self, style: str) -> None:
        if not is_plain_sheet(style):
            raise Unprovable("the style sheet has selectors that look further than an element")
        self.style = style
        # What is left over of a style sheet, as media queries are, goes into the head.
        self._rules = _split_rules(style)
        self._looked_up_to = _ancestors(style)
        self._forms: dict[tuple[Stack, tuple[str, ...]], _Form] = {}

    def place(self, stack: Stack) -> object:
        """Return what of a stack the style sheet looks at: where it is the same, styles are."""
        return tuple([(_name(tag), _names(tag) & self._looked_up_to) for tag in stack])

    def inline(self, lines: list[str], stack: Stack) -> tuple[list[str], Stack]:
        """Return the lines inlined, and what the line after them stands in."""
        done = []
        for line in lines:
            inlined, stack = self.inline_line(line, stack)
            done.append(inlined)
        return done, stack

    def inline_line(self, line: str, stack: Stack) -> tuple[str, Stack]:
        """Return one line inlined, and what the next line stands in."""
        if _ODD.search(line):
            raise Unprovable("a character that HTML parsers change")
        parts = _HOLE.split(line)
        texts = parts[1::2]
        key = stack, tuple(parts[::2])
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = self._learn(parts[::2], stack)
        out = [form.pieces[0]]
        for kind, text, piece in zip(form.kinds, texts, form.pieces[1:], strict=True):
            out += (as_lxml(kind, text), piece)
        return "".join(out), form.after

    def _learn(self, literals: list[str], stack: Stack) -> _Form:
        """Ask premailer what it makes of a line of this form."""
        line = literals[0]
        for number, literal in enumerate(literals[1:]):
            line += f"zqH{number}qz{literal}"
        after = follow(line, stack)
        ends = "".join(f"</{_name(tag)}>" for tag in reversed(after))
        body = f"{''.join(stack)}\n{_BEGIN}{line}{_END}\n{ends}"
        style = "".join(rule for rule, names in self._rules if not names.isdisjoint(_words(body)))
        page = f"<!DOCTYPE html>\n<html><head><style>{style}</style></head>\n{body}</html>"
        inlined = inline_css(page)
        if inlined.count(_BEGIN) != 1 or inlined.count(_END) != 1:
            raise Unprovable(f"a line that does not stand alone: {line[:60]!r}")
        inner = inlined[inlined.index(_BEGIN) + len(_BEGIN) : inlined.index(_END)]
        if _MARK.findall(inner) != [f"zqH{n}qz" for n in range(len(literals) - 1)]:
            raise Unprovable(f"a line whose texts do not stay: {line[:60]!r}")
        kinds = tuple(_kind(literal) for literal in literals[:-1])
        return _Form(_cut(_MARK.split(inner), kinds), kinds, after)


def _cut(pieces: list[str], kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return the pieces around the holes; the quotes of a value belong to its hole."""
    for number, kind in enumerate(kinds):
        if kind != "text":
            before, after = pieces[number], pieces[number + 1]
            if not (before.endswith('="') and after.startswith('"')):
                raise Unprovable("a value that lxml writes in another way")
            pieces[number], pieces[number + 1] = before[:-1], after[1:]
    return tuple(pieces)


def is_plain_sheet(sheet: str) -> bool:
    """Return whether its selectors, outside media queries, are tags and classes alone."""
    outside = _BLOCK.sub("", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
    return all(_SELECTORS.fullmatch(part.split("{")[0]) for part in outside.split("}"))


def _split_rules(sheet: str) -> list[tuple[str, set[str]]]:
    """Return the rules outside media queries, each with a tag or class of which an element has one.

    That is the last name of each of its selectors: premailer is given the few rules that may apply.
    """
    outside = _BLOCK.sub("", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
    found = []
    for rule in outside.split("}"):
        selectors, brace, _ = rule.partition("{")
        if brace:
            names = {re.findall(r"[\w-]+", one)[-1] for one in selectors.split(",")}
            found.append((f"{rule}}}\n", {name.lower() for name in names}))
    return found


def _ancestors(sheet: str) -> frozenset[str]:
    """Return the tags and classes that selectors name of what an element stands in."""
    outside = _BLOCK.sub("", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
    found: set[str] = set()
    for rule in outside.split("}"):
        for one in rule.partition("{")[0].split(","):
            *before, _ = re.split(r"[\s>]+", one.strip())
            found.update(name.lower() for name in re.findall(r"[\w-]+", " ".join(before)))
    return frozenset(found)


def _names(tag: str) -> frozenset[str]:
    """Return a start tag's name and its classes."""
    classes = re.search(r' class="([^"]*)"', tag)
    return frozenset([_name(tag), *(classes[1].lower().split() if classes else ())])


def _words(body: str) -> set[str]:
    return set(re.findall(r"[\w-]+", body.lower()))


def is_odd(text: str) -> bool:
    """Return whether a text has a character that HTML parsers drop or change."""
    return _ODD.search(text) is not None


def is_plain_address(url: str) -> bool:
    """Return whether lxml writes an address as it is."""
    return _PLAIN_ADDRESS.fullmatch(url) is not None


def follow(line: str, stack: Stack) -> Stack:
    """Return the start tags still open after `line`."""
    still = list(stack)
    for tag in _TAG.finditer(line):
        name = (tag["name"] or "").lower()
        if not name or name in VOID:
            continue
        if not tag["close"]:
            still.append(tag.group())
        elif still and _name(still[-1]) == name:
            still.pop()
        else:
            raise Unprovable(f"</{name}> closes nothing that is open")
    return tuple(still)


def _name(tag: str) -> str:
    found = _TAG.match(tag)
    return found["name"].lower() if found else ""


def _kind(literal: str) -> str:
    if literal.endswith(' href="'):
        return "address"
    return "attribute" if literal.endswith((' id="', ' aria-label="')) else "text"


def as_lxml(kind: str, text: str) -> str:
    """Return a text or value, escaped by a template, as lxml writes it."""
    if kind == "address" and not _PLAIN_ADDRESS.fullmatch(text):
        raise Unprovable("an address that lxml would rewrite")
    if "&" in text:
        text = html.unescape(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if kind == "text":
        return text
    if '"' in text and "'" not in text:
        return f"'{text}'"
    return '"{}"'.format(text.replace('"', "&quot;"))
