from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.headers import (
    LetterError,
    bare_address,
    check_address,
    clean_body,
    clean_header,
    clip,
    split_sender,
)

BREAKS = [*"\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85", "\u2028", "\u2029"]
SILENT = [*"\x00\x07\x1b\x7f\x80\x9f", "\u200b", "\u200f", "\u202e", "\u2066", "\ufeff", "\ud800"]


@pytest.mark.parametrize("control", BREAKS, ids=ascii)
def test_it_turns_what_breaks_lines_into_a_space(control: str) -> None:
    assert clean_header(f"Learning{control}Rates") == "Learning Rates"


@pytest.mark.parametrize("control", SILENT, ids=ascii)
def test_it_drops_what_has_no_sign(control: str) -> None:
    assert clean_header(f"Learn{control}ing") == "Learning"


@given(st.text(st.characters(), max_size=400))
def test_it_returns_one_clean_line_of_limited_length(text: str) -> None:
    clean = clean_header(text)
    assert len(clean) <= 150
    assert len(clean.splitlines()) <= 1
    assert not {unicodedata.category(c) for c in clean} & {"Cc", "Cs", "Zl", "Zp"}
    assert clean == clean.strip()
    assert "  " not in clean


def test_it_cuts_before_a_word_and_says_so() -> None:
    assert clip("Steering a Reward Model, with Half the Labels", 26) == "Steering a Reward Model…"
    assert clip("x" * 50, 10) == "x" * 9 + "…"
    assert clip("short", 10) == "short"


def test_it_keeps_newlines_and_joiners_in_a_body() -> None:
    assert clean_body("می\u200cخواهم\r\n👩\u200d🔬\x0b\u202ex") == "می\u200cخواهم\n👩\u200d🔬 x"


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("Paper Round <papers@example.org>", "Paper Round", "papers@example.org"),
        ("papers@example.org", "", "papers@example.org"),
        ('"Papers, \\"R\\"" <p@example.org>', 'Papers, "R"', "p@example.org"),
        ("Näme\x0bBcc: x <p@bücher.example>", "Näme Bcc: x", "p@xn--bcher-kva.example"),
        (
            "Paper Round <papers@localhost.localdomain>",
            "Paper Round",
            "papers@localhost.localdomain",
        ),
    ],
)
def test_it_splits_a_sender(text: str, name: str, address: str) -> None:
    assert split_sender(text) == (name, address)
    assert bare_address(text) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "x@",
        "@x.org",
        "üser@example.org",
        "a b@x.org",
        "a@x.org\r\nBcc: b@x.org",
        "a@x..org",
        "a,b@x.org",
        "a@x.org>",
        ".a@x.org",
        f"{'a' * 65}@x.org",
        f"a@{'b' * 250}.org",
        "a@-x.org",
    ],
)
def test_it_refuses_an_address_that_mail_cannot_carry(address: str) -> None:
    with pytest.raises(LetterError):
        check_address(address)
