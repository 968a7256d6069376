"""Array literals mean to PostgreSQL what was put into them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from newsletter.pgarrays import interval_array, number_array, text_array

pytestmark = pytest.mark.django_db


def read(kind: str, literal: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [literal])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("texts", [[], [""], ["NULL", 'a"b', "\\", "{,}", "é\n\\\"'", "%s"]])
def test_texts(texts: list[str]) -> None:
    assert read("text", text_array(texts)) == texts


def test_numbers() -> None:
    assert read("bigint", number_array([1, -(2**40), True])) == [1, -(2**40), 1]
    assert read("int", number_array([])) == []


def test_spans() -> None:
    spans = [None, timedelta(0), timedelta(days=2, microseconds=1), timedelta(seconds=-5)]
    assert read("interval", interval_array(spans)) == spans
