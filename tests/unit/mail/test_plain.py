from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.plain import WIDTH, columns, fill

words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), max_size=120)


@given(st.lists(words, max_size=30).map(" ".join))
def test_it_keeps_every_character_and_no_line_is_too_wide(text: str) -> None:
    filled = fill(text)
    assert filled.replace("\n", "").replace(" ", "") == text.replace(" ", "")
    assert all(columns(line) <= WIDTH for line in filled.split("\n") if "://" not in line)


def test_it_never_breaks_an_address() -> None:
    address = f"https://example.org/{'a' * 200}"
    assert fill(f"  {address}") == f"  {address}\n"


def test_it_hangs_under_the_indent() -> None:
    lines = fill("  " + "word " * 40).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("  word") for line in lines)


def test_it_counts_wide_and_combining_characters() -> None:
    assert columns("報酬") == 4
    assert columns("e\u0301") == 1


def test_it_leaves_one_blank_line_between_paragraphs() -> None:
    assert fill("\n\na\n  \n\n\nb\n\n") == "a\n\nb\n"
