"""Logs without addresses and tokens: who reads them must not learn who reads what. Pure."""

from __future__ import annotations

import logging
import re

ADDRESS = re.compile(r"[^\s<>\"'(),:;=/@]+@[\w-]+(?:\.[\w-]+)+")
# A part of a path, or the value of a query, too long to be a word: links in letters are such, and
# the numbers that follow in some say what its reader reads.
TOKEN = re.compile(r"(?<=[/=])[\w-]{28,}(?:(?:~|%7[Ee])[0-9]+)*", re.ASCII)


def redact(text: str) -> str:
    """Return `text` with every mail address and every token of a link blotted out."""
    return TOKEN.sub("[token]", ADDRESS.sub("[address]", text))


class RedactingFormatter(logging.Formatter):
    """Writes what another formatter does, tracebacks too, without addresses and tokens."""

    def __init__(self, fmt: str | None = None, inner: logging.Formatter | None = None) -> None:
        super().__init__(fmt)
        self.inner = inner or logging.Formatter(fmt)

    def format(self, record: logging.LogRecord) -> str:
        return redact(self.inner.format(record))


def redact_handlers(logger: logging.Logger) -> None:
    """Have every handler of `logger` write through `redact`; those that do already stay."""
    for handler in logger.handlers:
        if not isinstance(handler.formatter, RedactingFormatter):
            handler.setFormatter(RedactingFormatter(inner=handler.formatter))
