"""What people write about a reader, accepted or refused with the mend."""

from __future__ import annotations

from datetime import time

import pytest

from newsletter.matching.base import QueryError
from subscribers import fields
from subscribers.fields import InterestError, ReaderError


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ada.Lovelace@Example.ORG ", "ada.lovelace@example.org"),
        ("ada+papers@lab.internal.example.org", "ada+papers@lab.internal.example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@mail.lab.local", "ada@mail.lab.local"),  # a lab's own relay knows its own names
        ("ada@localhost", "ada@localhost"),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
    ],
)
def test_it_normalises_an_address(typed: str, kept: str) -> None:
    assert fields.normalise_address(typed) == kept


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "no mail address"),
        ("ada", "no mail address"),
        ("ada@", "no mail address"),
        ("ada@example", "ends in no full domain"),
        ("Ada <ada@example.org>", "no mail address"),
        ("ada@example.org\nBcc: eve@example.org", "no mail address"),
        ("ada@[192.0.2.1]", "no mail address"),
        ("ada@example.org, eve@example.org", "no mail address"),
        (f"{'a' * 65}@example.org", "too long"),
        (f"ada@{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.example.org", "too long"),
        ("zoë@example.org", "outside ASCII before the @"),
    ],
)
def test_it_refuses_an_address(typed: str, words: str) -> None:
    with pytest.raises(ReaderError, match=words) as refused:
        fields.normalise_address(typed)
    assert refused.value.field == "email"
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "zone"),
    [("Europe/Paris", "Europe/Paris"), (" europe/paris ", "Europe/Paris"), ("utc", "UTC")],
)
def test_it_reads_a_time_zone(typed: str, zone: str) -> None:
    assert fields.read_zone(typed) == zone


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("Europe/Pariss", "Europe/Paris"),
        ("Paris", "Europe/Paris"),
        ("New York", "America/New_York"),
        ("Asia/Tokio", "Asia/Tokyo"),
    ],
)
def test_it_suggests_near_time_zones(typed: str, near: str) -> None:
    with pytest.raises(ReaderError, match=f"no IANA time zone: did you mean .*{near}"):
        fields.read_zone(typed)


def test_it_suggests_no_zone_where_none_is_near() -> None:
    with pytest.raises(ReaderError, match="write a name such as Europe/Paris"):
        fields.read_zone("zzzzzz")


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ("8", time(8)),
        ("08", time(8)),
        ("8:30", time(8, 30)),
        ("0", time(0)),
        ("23:59", time(23, 59)),
    ],
)
def test_it_reads_an_hour(typed: str, at: time) -> None:
    assert fields.read_hour(typed) == at


@pytest.mark.parametrize("typed", ["24", "8:60", "-1", "8.30", "8 am", "", "٨"])
def test_it_refuses_an_hour(typed: str) -> None:
    with pytest.raises(ReaderError, match="no hour of the day: write 0 to 23"):
        fields.read_hour(typed)


@pytest.mark.parametrize(
    ("typed", "mask"),
    [
        ("daily", 127),
        ("Weekdays", 31),
        ("mon", 1),
        ("mon,tue", 3),
        ("Monday; SUNDAY", 65),
        ("sat sun", 96),
    ],
)
def test_it_reads_weekdays(typed: str, mask: int) -> None:
    assert fields.read_weekdays(typed) == mask


@pytest.mark.parametrize("typed", ["", "mo", "mon,funday", "127"])
def test_it_refuses_weekdays(typed: str) -> None:
    with pytest.raises(ReaderError, match="no day of the week: write daily, weekdays"):
        fields.read_weekdays(typed)


@pytest.mark.parametrize("typed", ["0", "31", "-1", "ten", "1e1", "", "9" * 5000])
def test_it_refuses_a_number_of_papers(typed: str) -> None:
    with pytest.raises(ReaderError, match="write a number from 1 to 30"):
        fields.read_papers(typed)


@pytest.mark.parametrize(
    ("cell", "interests"),
    [
        ("RL; graph neural network ;", ["RL", "graph neural network"]),
        ('"a; b"~2; RL', ['"a; b"~2', "RL"]),
        ("“a; b”;RL", ["“a; b”", "RL"]),
        ('author:"Y LeCun";RL', ['author:"Y LeCun"', "RL"]),
        (" ; ", []),
        ('"never closed; RL', ['"never closed; RL']),
    ],
)
def test_it_splits_interests_outside_quotes(cell: str, interests: list[str]) -> None:
    assert list(fields.split_interests(cell)) == interests


def test_it_explains_a_refused_query_with_a_caret() -> None:
    with pytest.raises(InterestError) as refused:
        fields.read_query("  foo(bar")
    _, query, caret, _mend = refused.value.explain().splitlines()
    assert query == "  foo(bar"
    assert caret.index("^") == query.index("(")
    assert "\n" not in str(refused.value)


def test_it_puts_the_caret_under_wide_letters() -> None:
    error = InterestError("強化学習(", QueryError("never closed", 4, "close it"))
    assert error.explain().splitlines()[2] == "          ^ never closed"


@pytest.mark.parametrize("text", ["a\x00b", "a\tb", "a\ud800b"])
def test_it_refuses_control_characters_in_a_query(text: str) -> None:
    with pytest.raises(InterestError, match="A control character") as refused:
        fields.read_query(text)
    assert refused.value.position == 1


@pytest.mark.parametrize("text", ["", "-survey", "x" * 201])
def test_it_refuses_a_query(text: str) -> None:
    with pytest.raises(InterestError):
        fields.read_query(text)


def test_it_refuses_a_query_too_long_to_keep() -> None:
    ideographs = [chr(0x4E00 + n) for n in range(100)]
    with pytest.raises(InterestError, match=r"Too many parts.*two interests"):
        fields.read_query("|".join(ideographs))
