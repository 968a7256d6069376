"""Columns of many rows as PostgreSQL's array literals: psycopg writes a list value by value."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta


def number_array(values: Iterable[int]) -> str:
    """Return integers, or booleans as 0 and 1, as the text of an array."""
    return f"{{{','.join([str(int(value)) for value in values])}}}"


def text_array(values: Iterable[str]) -> str:
    r"""Return texts as the text of an array: each in quotes, with \ before quotes and \."""
    quoted = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return '{"' + '","'.join(quoted) + '"}' if quoted else "{}"


def interval_array(values: Iterable[timedelta | None]) -> str:
    """Return spans, or None, as the text of an array of intervals."""
    seconds = ["NULL" if value is None else f'"{value.total_seconds()} s"' for value in values]
    return f"{{{','.join(seconds)}}}"
