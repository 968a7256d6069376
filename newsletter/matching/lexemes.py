"""The pieces of a query as typed: words, quotes, operators, fields, each with its place."""

from __future__ import annotations

import re
from typing import NamedTuple

from newsletter.matching.base import QueryError, mark
from newsletter.matching.tree import FIELDS, MAX_SLACK

_QUOTES = '"“”„‟″＂'  # phones type curly ones
_DASHES = "-‐‑–—−"
_SPACE = re.compile(r"\s+")
_QUOTED = re.compile(f"[{_QUOTES}]([^{_QUOTES}]*)[{_QUOTES}]")
_SLACK = re.compile(r"~(\d*)")
_FIELD = re.compile(r"([^\W\d]+):(?!//)")
_BARE = re.compile(rf"[^\s(){_QUOTES}|]+")
_OPERATORS = {"AND": "AND", "&": "AND", "&&": "AND", "OR": "OR", "NOT": "NOT"}


class Lexeme(NamedTuple):
    """`kind`: AND OR NOT ( ) field word quote; `text`: its content; where it stands."""

    kind: str
    text: str
    start: int
    end: int
    slack: int = 0


def read_lexemes(text: str) -> list[Lexeme]:
    """The pieces of a query in order. Raises QueryError where a piece is none."""
    lexemes: list[Lexeme] = []
    at = 0
    while at < len(text):
        space = _SPACE.match(text, at)
        if space:
            at = space.end()
            continue
        lexeme = _lexeme(text, at)
        lexemes.append(lexeme)
        at = lexeme.end
    return lexemes


def _lexeme(text: str, at: int) -> Lexeme:
    char = text[at]
    if char in "()|":
        end = at + 1 + text.startswith("||", at)
        return Lexeme("OR" if char == "|" else char, char, at, end)
    if char in _QUOTES:
        return _quote(text, at)
    if char in _DASHES:
        after = text[at + 1 : at + 2]
        if not after or after.isspace() or after in _DASHES or after in ")|":
            raise QueryError(
                mark("A dash excludes the word right after it, and here is none"),
                at,
                mark("write -word, or remove the dash"),
            )
        return Lexeme("NOT", char, at, at + 1)
    bare = _BARE.match(text, at)
    word = bare.group() if bare else char
    if word in _OPERATORS:
        return Lexeme(_OPERATORS[word], word, at, at + len(word))
    named = _FIELD.match(word)
    if named:
        if named[1].lower() not in FIELDS:
            raise QueryError(
                mark("There is no field “{field}:”"),
                at,
                mark(
                    "the fields are title: abs: author: cat: org: — or put quotes around the text"
                ),
                field=named[1],
            )
        return Lexeme("field", FIELDS[named[1].lower()], at, at + named.end())
    if re.search(r"~\d", word):
        raise QueryError(
            mark("“~” belongs right after a quoted phrase"),
            at + word.index("~"),
            mark('write "federated learning"~1'),
        )
    return Lexeme("word", word, at, at + len(word))


def _quote(text: str, at: int) -> Lexeme:
    quoted = _QUOTED.match(text, at)
    if quoted is None:
        raise QueryError(
            mark("This quotation mark is never closed"), at, mark("add another, or remove it")
        )
    if not quoted[1].strip():
        raise QueryError(
            mark("Nothing between the quotation marks"), at, mark("put words between them")
        )
    slack = _SLACK.match(text, quoted.end())
    if slack is None:
        return Lexeme("quote", quoted[1], at, quoted.end())
    if not slack[1] or len(slack[1]) > 2 or int(slack[1]) > MAX_SLACK:
        raise QueryError(
            mark("“~” needs a number from 0 to {most}"),
            slack.start(),
            mark('as in "federated learning"~1: at most one word between'),
            most=MAX_SLACK,
        )
    return Lexeme("quote", quoted[1], at, slack.end(), int(slack[1]))
