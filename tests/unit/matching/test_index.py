"""The index: the worked examples, the rules of the fields, and that it equals the obvious way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.matching.base import Document
from newsletter.matching.index import Index, match_query
from newsletter.matching.query import And, Not, Or, Query, QueryError, parse_query
from tests.unit.matching import reference
from tests.unit.matching.papers import CONTRACT_SYNONYMS, make_document
from tests.unit.matching.test_query import TEXTS, parse_or_refuse
from tests.unit.matching.test_text import ANY_TEXT


def finds(text: str, title: str = "", abstract: str = "", **values: Any) -> bool:
    return bool(match_query(parse_query(text), [make_document(title, abstract, **values)]))


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("RL", "On RL agents"),
        ("RL", "Reinforcement learning agents"),
        ("reinforcement learning", "RL agents"),
        ("LLM", "LLMs as judges"),
        ("LLMs", "an LLM's view"),
        ("large language model", "Large Language Models"),
        ("pretraining", "Pre-Training at scale"),
        ("pre-training", "Pretraining at scale"),
        ("pre training", "pretraining"),
        ("pretraining", "pre training"),
        ("pretraining dynamics", "Pre-training dynamics"),
        ("fine-tuned models", "finetuned model"),
        ("end to end", "End-to-end learning"),
        ("GPT-4", "GPT4 is here"),
        ("GPT4", "GPT-4 is here"),
        ("co2", "CO$_2$ capture"),
        ("curricula", "Curriculum Learning"),
        ("memoriz*", "Memorization"),
        ("deep learn*", "Deep learners"),
        ("fine tuni*", "finetuning"),
        ("pretrain*", "pre-trained"),
        ("naive ensembling", 'na\\"{\\i}ve ensembling'),
        ("lazy learning", "\\textbf{L}azy learning"),
        ("Frechet mean", "Fr\\'echet means"),
        ("Fréchet mean", "Frechet mean"),
        ("dont lie", "Angles Don't Lie"),
        ("C++", "C++ code"),
        ("sam", "a SAM or sam"),
        ("node.js", "Node.js servers"),
        ('"prompt learning"~2', "prompt for curriculum learning"),
        ("强化学习", "深度强化学习方法"),
        ("a very long interest of many words", "A Very Long Interest of Many Words!"),
    ],
)
def test_it_finds(text: str, title: str) -> None:
    assert finds(text, title)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("RL", "The world"),
        ("SAM", "a sample of sam"),
        ("AI", "we train it"),
        ("LoRA", "exploration with Lora"),
        ("LM", "LMS filters"),
        ("MCT", "MCTS"),
        ("US", "help us"),
        ('"RL"', "reinforcement learning"),
        ("prompt learning", "prompt curriculum learning"),
        ("prompt learning", "A prompt. Learning"),
        ("prompt learning", "prompt (learning)"),
        ('"prompt learning"~2', "prompt one two three learning"),
        ('"prompt learning"~2', "learning prompt"),
        ('"prompt learning"~2', "prompt, learning"),
        ("long tail", "long-tailed"),
        ("learn", "learning"),
        ("general", "generalization"),
        ("format", "for mat"),
        ("beat", "be at"),
        ("memoriz*", "rememorize"),
        ("games -RL", "games for RL"),
        ("games -title:RL", "games for RL"),
    ],
)
def test_it_does_not_find(text: str, title: str) -> None:
    assert not finds(text, title)


@pytest.mark.parametrize(
    ("text", "author", "found"),
    [
        ('author:"andre lima"', "Paulo Andr\\'e Lima de Castro", True),
        ('author:"Y LeCun"', "Yann LeCun", True),
        ('author:"LeCun, Y"', "Yann LeCun", True),
        ("au:lecun", "LeCun, Yann", True),
        ("author:Yann LeCun", "Yann LeCun", True),
        ('author:"Jean Baptiste"', "Jean-Baptiste Alayrac", True),
        ("author:Xiaoming", "Xiao-Ming Li", True),
        ("author:Xiao-Ming", "Xiaoming Li", True),
        ("author:karpa*", "Andrej Karpathy", True),
        ("author:obrien", "Tim O'Brien", True),
        ("author:Cun", "Yann LeCun", False),
        ('author:"Karpathy LeCun"', "Yann LeCun", False),
        ('author:"Yann Yann"', "Yann LeCun", False),
        ('author:"Z LeCun"', "Yann LeCun", False),
        ('author:"Yann LeCun"', "Y. LeCun", False),
        ("lecun", "Yann LeCun", False),
    ],
)
def test_it_finds_authors(text: str, author: str, found: bool) -> None:
    assert finds(text, authors=("Andrej Other", author)) is found


def test_it_wants_all_parts_of_a_name_in_one_author() -> None:
    assert not finds('author:"Karpathy LeCun"', authors=("Andrej Karpathy", "Yann LeCun"))
    assert finds("author:karpathy author:lecun" + "", authors=("Karpathy LeCun",)) is True


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cat:cs", True),
        ("cat:cs.AI", True),
        ("cat:CS.ai", True),
        ("cat:cs.A", False),
        ("cat:math", False),
        ("cat:c", False),
        ("cat:hep-th", True),
        ("cat:ai", False),
    ],
)
def test_it_finds_categories(text: str, found: bool) -> None:
    assert finds(text, categories=("cs.AI", "hep-th")) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("org:nvidia", True),
        ('org:"Meta AI"', True),
        ("org:meta", True),
        ("org:met", False),
        ("org:NVIDIA", True),
        ("nvidia", False),
    ],
)
def test_it_finds_organizations(text: str, found: bool) -> None:
    assert finds(text, organizations=("nvidia", "AI-at-Meta", "Meta AI")) is found


def test_it_looks_in_the_field_named() -> None:
    assert finds("abs:grokking", abstract="grokking")
    assert not finds("abs:grokking", "grokking")
    assert not finds("title:grokking", abstract="grokking", keywords=("grokking",))
    assert finds("grokking", keywords=("grokking",))
    assert not finds("two keywords", keywords=("two", "keywords"))


def test_it_tells_why_in_reading_order() -> None:
    document = make_document(
        "Lazy RL", "We study reinforcement learning. RL is lazy.", keywords=("RL",)
    )
    (match,) = match_query(parse_query("RL AND Lazy"), [document])
    shown = [(one.field, one.text, one.atom) for one in match.reasons]
    assert shown == [
        ("title", "Lazy", "Lazy"),
        ("title", "RL", "RL"),
        ("keywords", "RL", "RL"),
        ("abstract", "reinforcement learning", "RL"),
        ("abstract", "RL", "RL"),
        ("abstract", "lazy", "Lazy"),
    ]


def test_it_takes_words_that_repeat_in_its_stride() -> None:
    text = '"' + "a " * 60 + 'b"~10'
    assert not finds(text, "a " * 400)
    assert finds(text, "a " * 70 + "b")


def test_it_changes_in_place() -> None:
    texts = ["RL", "grokking -RL", "memoriz*", "author:lima", "cat:cs", '"a b"~1', "a b c d e f g"]
    document = make_document(
        "RL memorization a b c d e f g grokking", authors=("Ana Lima",), categories=("cs.AI",)
    )
    index = Index()
    for number, text in enumerate(texts):
        index.add(number, parse_query(text))
    before = index.match([document])
    assert sorted(before) == [0, 2, 3, 4, 5, 6]
    index.discard(0)
    index.discard(99)
    index.add(2, parse_query("absent"))
    assert sorted(index.match([document])) == [3, 4, 5, 6]
    for number in range(len(texts)):
        index.discard(number)
    assert len(index) == 0
    assert vars(index._files) == vars(Index()._files)


WORDS = ["deep", "learning", "model", "models", "pre-training", "pretraining", "fine-tuning"]
WORDS += ["fine", "tuning", "RL", "rl", "reinforcement", "LLMs", "LLM", "SAM", "sam", "for", "mat"]
WORDS += ["format", "Deep", "state-of-the-art", "art"]
ORDINARY = st.sampled_from(WORDS)
PLAIN = st.lists(
    st.one_of(
        ORDINARY, ORDINARY, ORDINARY, st.sampled_from(["reinforcement learning", "x. ", "(y)"])
    ),
    max_size=10,
).map(" ".join)
DOCUMENTS = st.lists(
    st.builds(
        lambda title, abstract, keywords, categories: (title, abstract, keywords, categories),
        PLAIN,
        PLAIN,
        st.lists(PLAIN, max_size=2).map(tuple),
        st.sampled_from([(), ("cs.AI",), ("cs.LG", "stat.ML")]),
    ),
    min_size=1,
    max_size=5,
).map(
    lambda rows: [
        make_document(title, abstract, number, keywords=keywords, categories=categories)
        for number, (title, abstract, keywords, categories) in enumerate(rows, start=1)
    ]
)
PHRASES = st.lists(ORDINARY, min_size=1, max_size=6).map(" ".join)
ATOMS = st.one_of(
    PHRASES,
    PHRASES,
    PHRASES.map(lambda words: f"title:{words}"),
    PHRASES.map(lambda words: f"abs:{words}"),
    PHRASES.map(lambda words: f'"{words}"'),
    st.tuples(
        st.lists(st.sampled_from(["deep", "learning", "RL", "art"]), min_size=2, max_size=3)
    ).map(lambda one: f'"{" ".join(one[0])}"~2'),
    st.sampled_from(["lear*", "mode*", "reinf*", "cat:cs", "cat:cs.ai", "cat:stat"]),
)
QUERIES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) OR ({two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) AND ({two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) -({two[1]})"),
    ),
    max_leaves=4,
).map(lambda text: parse_query(text, 1_000))


@given(st.lists(QUERIES, min_size=1, max_size=6), DOCUMENTS)
@settings(max_examples=150, deadline=None)
def test_it_equals_the_reference(queries: list[Query], documents: list[Document]) -> None:
    index = Index(
        {number: (query, True) for number, query in enumerate(queries)}, CONTRACT_SYNONYMS
    )
    matched = index.match(documents)
    for number, query in enumerate(queries):
        found = {match.document_id for match in matched.get(number, [])}
        assert found == reference.matching(query, documents, CONTRACT_SYNONYMS), str(query)


@given(QUERIES, DOCUMENTS)
@settings(deadline=None)
def test_it_is_set_algebra_over_atoms(query: Query, documents: list[Document]) -> None:
    def found(node: Any, expand: bool = True) -> set[int]:
        if isinstance(node, Not):
            return {one.id for one in documents} - found(node.item, False)
        if isinstance(node, And):
            return set.intersection(*(found(item, expand) for item in node.items))
        if isinstance(node, Or):
            return set.union(*(found(item, expand) for item in node.items))
        matches = match_query(Query(node), documents, CONTRACT_SYNONYMS, expand)
        return {match.document_id for match in matches}

    matches = match_query(query, documents, CONTRACT_SYNONYMS)
    assert {match.document_id for match in matches} == found(query.root)


@given(TEXTS, ANY_TEXT, ANY_TEXT)
@settings(deadline=None)
def test_it_matches_any_text_with_spans_inside(text: str, title: str, abstract: str) -> None:
    query = parse_or_refuse(text)
    queries = [parse_query("a* OR the".replace("a*", "text*")), parse_query("LLM OR training OR e")]
    if not isinstance(query, QueryError):
        queries.append(query)
    document = make_document(title, abstract, authors=(title,), organizations=(abstract,))
    index = Index({number: (one, True) for number, one in enumerate(queries)})
    for matches in index.match([document]).values():
        for reason in matches[0].reasons:
            raw = abstract if reason.field in ("abstract", "organizations") else title
            assert raw[reason.start : reason.end] == reason.text


@pytest.mark.parametrize(
    "text", ["RL", "naïve", "pre-training", "x y z", "C++", "node.js", "强化学习"]
)
def test_it_finds_a_query_in_itself(text: str) -> None:
    assert finds(text, text)


@given(st.lists(ORDINARY, min_size=1, max_size=8).map(" ".join))
def test_it_finds_any_phrase_in_itself(words: str) -> None:
    assert finds(words, f"on {words} again")
