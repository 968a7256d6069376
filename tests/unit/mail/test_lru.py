"""The memory of what was used last."""

from __future__ import annotations

from newsletter.mail.lru import Recent


def test_it_makes_a_value_once_and_keeps_what_is_used() -> None:
    kept: Recent[int, str] = Recent(10)
    for number in range(100):
        assert kept.get(0, str, 0) == "0"
        assert kept.get(number, str, number) == str(number)
    assert kept.misses == 100


def test_it_keeps_no_more_than_its_size() -> None:
    kept: Recent[int, bytearray] = Recent(10)
    for number in range(100):
        kept.get(number, bytearray, 1)
        assert len(kept._newer) + len(kept._older) <= 10
    for number in range(95, 100):
        kept.get(number, bytearray, 1)
    assert kept.misses == 100


def test_it_takes_another_value() -> None:
    kept: Recent[str, int] = Recent(4)
    kept.get("a", int)
    kept.put("a", 7)
    assert kept.get("a", int) == 7
