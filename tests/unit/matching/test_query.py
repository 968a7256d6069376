"""The language of an interest: what parses, how it prints, what is refused and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.matching.query import Query, QueryError, parse_query


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("Reinforcement   Learning", "reinforcement learning"),
        ("RL", "RL"),
        ("LLM agents", "LLM agents"),
        ("weak-to-strong", "weak-to-strong"),
        ("C++", "c++"),
        ("grokking -title:grokking", "grokking -title:grokking"),
        ("grokking NOT ti:grokking", "grokking -title:grokking"),
        ("(DPO OR PPO) AND RLHF", "(DPO OR PPO) AND RLHF"),
        ("RLHF & (PPO | DPO)", "(DPO OR PPO) AND RLHF"),
        ("a OR b c OR a", "a OR b c"),
        ("((a))", "a"),
        ("r&d or and not", "r&d or and not"),
        ('"Federated Learning"~1', '"federated learning"~1'),
        ("“curly quotes”", '"curly quotes"'),
        ("“a”–survey", '"a" -survey'),
        ("memoriz*", "memoriz*"),
        ('au:"Y LeCun"', 'author:"y lecun"'),
        ("Author: Yann LeCun", "author:yann lecun"),
        ("cat:cs.AI agents", "agents AND cat:cs.ai"),
        ("org:NVIDIA", "org:nvidia"),
        ("a -(b OR c)", "a -(b OR c)"),
        ("a\u200bb", "ab"),
    ],
)
def test_it_parses(text: str, canonical: str) -> None:
    query = parse_query(text)
    assert str(query) == canonical
    assert parse_query(canonical) == query


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("", 0, "Nothing"),
        ("   ", 0, "Nothing"),
        ("x" * 201, 200, "Too long"),
        ("foo(bar", 3, "never closed"),
        ("foo)", 3, "closes nothing"),
        ('a "b', 2, "never closed"),
        ('""', 0, "Nothing between"),
        ("()", 0, "Empty"),
        ("-survey", 0, "Only exclusions"),
        ("NOT survey", 0, "Only exclusions"),
        ("a OR -b", 5, "Only exclusions"),
        ("a (b OR -c)", 8, "Only exclusions"),
        ("a -(-b)", 4, "Only exclusions"),
        ("foo:bar", 0, "no field"),
        ("x foo:bar", 2, "no field"),
        ("title:", 0, "nothing to look for"),
        ("title:(a OR b)", 0, "nothing to look for"),
        ("abc*", 0, "at least 4"),
        ("mem*ory", 3, "end of a word"),
        ('"a b"~', 5, "number"),
        ('"a b"~11', 5, "number"),
        ("a b~2", 3, "quoted phrase"),
        ("a AND", 2, "nothing beside"),
        ("OR a", 0, "nothing beside"),
        ("a NOT", 2, "nothing beside"),
        ("a - b", 2, "right after"),
        ("...", 0, "Nothing"),
        ("a\x00", 1, "control"),
        ("a\nb", 1, "line break"),
        ("a\ud800", 1, "control"),
        ("author:Y", 7, "initials"),
        ("cat:cs.*", 7, "category"),
        ("(" * 30 + "a" + ")" * 30, 20, "Too many"),
        ("a\u200b )", 3, "closes nothing"),
    ],
)
def test_it_refuses(text: str, position: int, problem: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_query(text)
    assert refused.value.position == position
    assert problem.lower() in refused.value.problem.lower()
    assert refused.value.mend


def test_it_names_the_fields_there_are() -> None:
    with pytest.raises(QueryError) as refused:
        parse_query("topic:vision")
    assert "title: abs: author: cat: org:" in refused.value.mend


def test_it_tells_what_is_looked_for() -> None:
    query = parse_query("(A OR b c) -d AND title:e")
    assert [str(atom) for atom in query.atoms()] == ["a", "b c", "title:e"]
    assert [atom.typed for atom in query.atoms()] == ["A", "b c", "title:e"]


def test_it_shares_equal_queries() -> None:
    assert len({parse_query("Grokking  OR RL"), parse_query("(RL | grokking)")}) == 1
    assert parse_query("SAM") != parse_query("sam")


LEXEMES = st.sampled_from(
    [
        "AND",
        "OR",
        "NOT",
        "-",
        "(",
        ")",
        '"',
        "|",
        "&",
        "~1",
        "*",
        "title:",
        "cat:cs",
        "RL",
        "LLMs",
        "neural",
        "net*",
        "memoriz*",
        '"a b"',
        '"x y"~2',
        "C++",
        "Ｆ",
        "ß",
        "don't",
        " ",
        "\u200b",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(LEXEMES, max_size=14).map(" ".join),
    st.lists(LEXEMES).map("".join),
)


def parse_or_refuse(text: str) -> Query | QueryError:
    try:
        return parse_query(text)
    except QueryError as error:
        return error


@given(TEXTS)
def test_it_parses_what_it_prints(text: str) -> None:
    query = parse_or_refuse(text)
    if isinstance(query, QueryError):
        assert 0 <= query.position <= len(text)
        return
    again = parse_query(str(query), 10_000)
    assert again == query
    assert str(again) == str(query)
    assert query.atoms()
