"""Reads the language of an interest (its grammar: `tree`). Refusals say what, where, the mend."""

from __future__ import annotations

import re
import unicodedata

from newsletter.matching.authors import Name
from newsletter.matching.base import QueryError, mark
from newsletter.matching.lexemes import Lexeme, read_lexemes
from newsletter.matching.markup import INVISIBLE
from newsletter.matching.text import BREAK, is_acronym, normalise
from newsletter.matching.tree import (
    MAX_LENGTH,
    MIN_PREFIX,
    And,
    Atom,
    Node,
    Not,
    Or,
    Query,
    all_of,
    any_of,
)

__all__ = ["And", "Atom", "Node", "Not", "Or", "Query", "QueryError", "parse_query"]

_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_RUN = re.compile(r"[^\W_]+")
_MAX_DEPTH = 20
# Words without capitals but at their beginning, each begun by a letter or digit: neither operators
# nor acronyms nor anything else the grammar knows, so their lower case is their canonical spelling.
_WORDS = re.compile(r"[A-Za-z0-9][a-z0-9]*(?:[ -][A-Za-z0-9][a-z0-9]*)*")


def parse_query(text: str, max_length: int = MAX_LENGTH) -> Query:
    """The query that `text` means. Raises QueryError: what is wrong, where, and the mend.

    A canonical spelling may be longer than what was typed: parse it with a larger `max_length`.
    """
    if len(text) <= max_length and _WORDS.fullmatch(text):
        return Query(Atom(text.lower(), typed=text), text)
    _check_characters(text, max_length)
    if not _INVISIBLE.search(text):
        return Query(_Parser(text).parse(), text)
    seen = [at for at, char in enumerate(text) if not _INVISIBLE.match(char)]
    try:
        return Query(_Parser("".join(text[at] for at in seen)).parse(), text)
    except QueryError as error:
        position = seen[error.position] if error.position < len(seen) else len(text)
        raise error.at(position) from None


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.lexemes: list[Lexeme] = []

    def parse(self) -> Node:
        if not self.text.strip():
            raise QueryError(mark("Nothing to look for"), 0, mark("type a word or a phrase"))
        self.lexemes = read_lexemes(self.text)
        node = self.interest()
        if self.at < len(self.lexemes):
            stray = self.lexemes[self.at]
            raise QueryError(
                mark("“)” closes nothing"), stray.start, mark("remove it, or open it with “(”")
            )
        return node

    def peek(self) -> str:
        return self.lexemes[self.at].kind if self.at < len(self.lexemes) else "end"

    def position(self) -> int:
        return self.lexemes[self.at].start if self.at < len(self.lexemes) else len(self.text)

    def take(self) -> Lexeme:
        self.at += 1
        return self.lexemes[self.at - 1]

    def interest(self) -> Node:
        branches = [self.all()]
        while self.peek() == "OR":
            self.take()
            branches.append(self.all())
        return any_of(branches)

    def all(self) -> Node:
        start = self.position()
        items: list[Node | Not] = []
        while True:
            if self.peek() == "AND":
                operator = self.take()
                if not items or self.peek() in ("AND", "OR", ")", "end"):
                    raise _missing(operator)
            if self.peek() in ("OR", ")", "end"):
                break
            items.append(self.item())
        if not items:
            raise _missing(self.lexemes[max(self.at - 1, 0)])
        if all(isinstance(item, Not) for item in items):
            raise QueryError(
                mark("Only exclusions: nothing to look for"),
                start,
                mark("add a word that must be there"),
            )
        return all_of(items)

    def item(self) -> Node | Not:
        if self.peek() == "NOT":
            minus = self.take()
            if self.peek() not in ("(", "field", "word", "quote"):
                raise _missing(minus)
            return Not(self.operand())
        return self.operand()

    def operand(self) -> Node:
        if self.peek() != "(":
            return self.atom()
        opening = self.take()
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise QueryError(mark("Too many brackets"), opening.start, mark("write it more simply"))
        if self.peek() == ")":
            raise QueryError(mark("Empty brackets"), opening.start, mark("put words between them"))
        node = self.interest()
        if self.peek() != ")":
            raise QueryError(
                mark("“(” is never closed"), opening.start, mark("add “)”, or remove “(”")
            )
        self.take()
        self.depth -= 1
        return node

    def atom(self) -> Atom:
        first = self.take()
        field = ""
        if first.kind == "field":
            field = first.text
            if self.peek() not in ("word", "quote"):
                raise QueryError(
                    mark("“{field}:” has nothing to look for"),
                    first.start,
                    mark("put a word or a quoted phrase right after it, as in {field}:word"),
                    field=field,
                )
            last = self.take()
        else:
            last = first
        if last.kind == "quote":
            typed = self.text[first.start : last.end]
            return _atom(last.text, last.start + 1, field, True, last.slack, typed)
        begin = last.start
        # A category is one word, so what follows it is another item.
        while self.peek() == "word" and field != "cat":
            last = self.take()
        typed = self.text[first.start : last.end]
        return _atom(self.text[begin : last.end], begin, field, False, 0, typed)


def _check_characters(text: str, max_length: int) -> None:
    if len(text) > max_length:
        raise QueryError(
            mark("Too long: {length} characters, at most {most}"),
            max_length,
            mark("split it into several interests"),
            length=len(text),
            most=max_length,
        )
    if text.isprintable():
        return
    for position, char in enumerate(text):
        if unicodedata.category(char) in ("Cc", "Cs") and char != "\t":
            line_break = mark("A line break ({code})")
            what = line_break if char in "\r\n" else mark("A control character ({code})")
            raise QueryError(what, position, mark("remove it"), code=f"U+{ord(char):04X}")


def _atom(raw: str, start: int, field: str, quoted: bool, slack: int, typed: str) -> Atom:
    _check_prefixes(raw, start, field)
    if field == "cat":
        words = " ".join(raw.casefold().split())
    else:
        words = " ".join(_canonical(raw, field not in ("author", "org")).split())
    if not _has_words(words):
        raise QueryError(mark("Nothing to look for here"), start, mark("type letters or digits"))
    if field == "author" and not Name.wanted(words).has_full_part:
        raise QueryError(
            mark("Only initials"), start, mark("add a whole part of the author's name")
        )
    return Atom(words, field, quoted, slack, typed)


def _has_words(words: str) -> bool:
    if _WORDS.fullmatch(words):
        return True
    return any(word.form != BREAK for word in normalise(words.replace("*", " ")).words)


def _check_prefixes(raw: str, start: int, field: str) -> None:
    for star in re.finditer(r"\*", raw):
        if field == "cat":
            raise QueryError(
                mark("A category takes no “*”"),
                start + star.start(),
                mark("cat:cs finds all of cs"),
            )
        head = re.search(r"\S*$", raw[: star.start()])
        after = raw[star.end() : star.end() + 1]
        if head is None or (after and not after.isspace()):
            raise QueryError(
                mark("“*” stands at the end of a word only"), start + star.start(), mark("move it")
            )
        if sum(map(str.isalnum, head.group())) < MIN_PREFIX:
            raise QueryError(
                mark("“*” needs at least {least} letters before it"),
                start + head.start(),
                mark("write more of the word"),
                least=MIN_PREFIX,
            )


def _canonical(raw: str, acronyms: bool) -> str:
    """Lower case but for acronyms where they match with their capitals."""
    if "\\" in raw or "&" in raw:  # the names of LaTeX commands and entities have their case
        return raw
    if raw.islower() and raw.isascii():
        return raw

    def spell(run: re.Match[str]) -> str:
        kept = acronyms and any(map(is_acronym, normalise(run.group()).words))
        return run.group() if kept else run.group().casefold()

    return _RUN.sub(spell, raw)


def _missing(lexeme: Lexeme) -> QueryError:
    return QueryError(
        mark("“{word}” has nothing beside it to join"),
        lexeme.start,
        mark("add a word, or remove it"),
        word=lexeme.text,
    )
