"""HOST:PORT pairs in a setting."""

from __future__ import annotations

import pytest

from newsletter.env import SettingError, read_endpoints


def test_it_reads_hosts_with_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIRS", "Mirror.example:8080, [::1]:443,")
    assert read_endpoints("PAIRS") == [("mirror.example", 8080), ("::1", 443)]
    monkeypatch.delenv("PAIRS")
    assert read_endpoints("PAIRS") == []


@pytest.mark.parametrize("given", ["mirror.example", ":80", "host:", "host:http", "host:99999"])
def test_it_says_which_pair_is_none(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("PAIRS", f"ok.example:80,{given}")
    with pytest.raises(SettingError, match=f"PAIRS: '{given}' is no HOST:PORT"):
        read_endpoints("PAIRS")
