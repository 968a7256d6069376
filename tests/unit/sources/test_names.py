from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.sources.names import join_name, split_authors, turn_name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("Ada Example", ("Ada Example",)),
        ("Ada Example, Bo Dummy", ("Ada Example", "Bo Dummy")),
        ("Ada Example and Bo Dummy", ("Ada Example", "Bo Dummy")),
        ("Ada Example, Bo Dummy, and Noor Sample", ("Ada Example", "Bo Dummy", "Noor Sample")),
        ("Ada (Lab, Town (A, B), Land), Bo", ("Ada", "Bo")),
        ("Ada (Lab, never closed, Bo", ("Ada",)),
        ("Ada Example, Jr., Bo III", ("Ada Example, Jr.", "Bo III")),
        (r"Gy\"{o}rgy A, Fr\'echet {B, C}", (r"Gy\"{o}rgy A", r"Fr\'echet {B, C}")),
        ("Ada {Example, Bo", ("Ada {Example", "Bo")),  # a lone brace parts nothing
        ("Ada Example, et al.", ("Ada Example",)),
        ("the ATLAS Collaboration", ("the ATLAS Collaboration",)),
    ],
)
def test_it_parts_names(text: str, names: tuple[str, ...]) -> None:
    assert split_authors(text) == names


@pytest.mark.parametrize(
    ("given_name", "turned"),
    [
        ("Example, Ada", "Ada Example"),
        ("Example, Jr., Ada", "Ada Example, Jr."),
        ("Example, Ada, Jr.", "Ada Example, Jr."),
        ("Ada Example", "Ada Example"),
        ("", ""),
    ],
)
def test_it_turns_names(given_name: str, turned: str) -> None:
    assert turn_name(given_name) == turned


def test_it_joins_names() -> None:
    assert join_name("Ada", "Example", "Jr.") == "Ada Example, Jr."
    assert join_name("", "Example") == "Example"


@given(st.text(alphabet="a(){}\\,; andé"))
def test_it_parts_any_text_into_clean_names(text: str) -> None:
    assert all(name and name == name.strip() for name in split_authors(text))
