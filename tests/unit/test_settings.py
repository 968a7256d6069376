"""Numbers in settings."""

from __future__ import annotations

import pytest

from newsletter.env import SettingError, read_percent


@pytest.mark.parametrize(("given", "number"), [("", 0.2), ("0", 0), ("0.05", 0.05), ("100", 100)])
def test_it_reads_a_percentage(monkeypatch: pytest.MonkeyPatch, given: str, number: float) -> None:
    monkeypatch.setenv("SHARE", given)
    assert read_percent("SHARE", "0.2") == number


@pytest.mark.parametrize("given", ["a few", "-1", "101", "nan", "inf", "0,2", "0.2 %"])
def test_it_says_what_is_no_percentage(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("SHARE", given)
    with pytest.raises(SettingError, match=f"SHARE='{given}': write a number from 0 to 100"):
        read_percent("SHARE", "0.2")
