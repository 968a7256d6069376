"""Postings find exactly what the index of interests finds: random papers, random queries."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.matching.base import Document
from newsletter.matching.index import match_query
from newsletter.matching.packs import Pack
from newsletter.matching.postings import Postings
from newsletter.matching.query import QueryError, parse_query
from newsletter.matching.synonyms import DEFAULT_SYNONYMS, Synonyms
from tests.unit.matching.papers import (
    CONTRACT_SYNONYMS,
    SHARED,
    make_document,
    needs_pages,
    page_documents,
)

EXPECTED: dict[str, list[str]] = (
    json.loads((SHARED / "expected-matches.json").read_text(encoding="utf-8"))["queries"]
    if SHARED.is_dir()
    else {}
)
WORDS = (  # noqa: SIM905
    "learning learn ing pre training pretraining pretrain reinforcement RL rl RLs Rl the rapist a "
    "b cd GPT gpt MoE moe models model policy policies C++ don't na\\\"{\\i}ve naïve Straße x y z "
    "mail e federated 3.5 3 5 学習 δ delta \\textbf{L}azy lazy matrices matrix abc abcd"
).split()
GAPS = (" ", " ", " ", " ", "-", "-", "/", ". ", ", ", " – ", "_", " (")
NAMES = ("Yann LeCun", "LeCun, Y.", "Li Wei-Lin", "Anne-Marie O'Brien", "José Li", "Lin Li", "")
CATEGORIES = ("cs.AI", "cs", "cs.LG", "stat.ML", "CS.ai ")
texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), max_size=12).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)
documents = st.builds(
    make_document,
    title=texts,
    abstract=texts,
    keywords=st.lists(texts, max_size=2).map(tuple),
    authors=st.lists(st.sampled_from(NAMES), max_size=3).map(tuple),
    categories=st.lists(st.sampled_from(CATEGORIES), max_size=2).map(tuple),
    organizations=st.lists(texts, max_size=2).map(tuple),
)
papers = st.lists(documents, max_size=8).map(
    lambda found: [
        Document(**{n: getattr(d, n) for n in d.__slots__ if n != "id"}, id=i)
        for i, d in enumerate(found, 5)
    ]
)
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
runs = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map("-".join)
fields = st.sampled_from(["", "", "", "title:", "abs:", "org:"])
atoms = st.one_of(
    words,
    runs,
    st.tuples(fields, words).map(lambda t: f'{t[0]}"{t[1]}"'),
    st.tuples(fields, words, st.integers(1, 4)).map(lambda t: f'{t[0]}"{t[1]}"~{t[2]}'),
    st.tuples(words, st.sampled_from(["lear*", "pre-tr*", "poli*", "GPT-3*", "mode*"])).map(
        " ".join
    ),
    st.sampled_from(["lear*", "pretr*", "pre-tra*", '"learn* polic*"~2', "title:rein*"]),
    st.sampled_from(['author:"Y LeCun"', "author:li", "author:weilin", "au:marieo*", "au:ann*"]),
    st.sampled_from(["cat:cs", "cat:cs.AI", "cat:CS.LG", "cat:cs.A"]),
)
queries = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" AND ", " OR ", " -", " NOT "]), inner).map("".join),
        inner.map("({})".format),
        st.tuples(inner, inner).map(lambda pair: f"{pair[0]} AND ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"{pair[0]} -({pair[1]})"),
    ),
    max_leaves=4,
)


def found_in(postings: Postings, text: str, synonyms: Synonyms, expand: bool = True) -> set[int]:
    mask = postings.find(parse_query(text), synonyms, expand)
    return set(postings.ids[mask].tolist())


def matched(documents: list[Document], text: str, synonyms: Synonyms, expand: bool) -> set[int]:
    return {m.document_id for m in match_query(parse_query(text), documents, synonyms, expand)}


@settings(max_examples=600, deadline=None)
@given(papers, st.lists(queries, min_size=1, max_size=12), st.booleans())
@example([make_document("a-b-cd", "abcd -x")], ['"abcd x"~2', "a b cd", "ab-cd", "abcd"], True)
@example([make_document("lear\u00adning RLs")], ["RL", "RLs", "learning RL"], True)
def test_it_finds_what_the_index_finds(
    documents: list[Document], texts: list[str], expand: bool
) -> None:
    middle = len(documents) // 2
    packs = [Pack.of(documents[:middle]), Pack.of(documents[middle:])]
    postings = Postings([Pack.from_bytes(pack.to_bytes()) for pack in packs])
    for text in texts:
        try:
            parse_query(text)
        except QueryError:
            continue
        found = found_in(postings, text, DEFAULT_SYNONYMS, expand)
        assert found == matched(documents, text, DEFAULT_SYNONYMS, expand), text


@needs_pages
@pytest.mark.parametrize("text", EXPECTED)
def test_it_finds_the_expected_titles(text: str) -> None:
    postings = Postings([Pack.of(page_documents())])
    titles = {document.id: document.title for document in page_documents()}
    found = found_in(postings, text, CONTRACT_SYNONYMS)
    assert sorted(titles[one] for one in found) == sorted(EXPECTED[text])


def test_it_counts_what_each_pack_has() -> None:
    first = [make_document("grokking", id=1), make_document("lazy", id=2)]
    second = [make_document("grokking again", id=3)]
    postings = Postings([Pack.of(first), Pack.of([]), Pack.of(second)])
    assert postings.count_by_pack(postings.find(parse_query("grokking"))) == [1, 0, 1]


def test_it_finds_nothing_in_no_papers() -> None:
    for packs in ([], [Pack.of([])]):
        postings = Postings(packs)
        for text in ("grokking", "lear*", '"a b"~2', "author:li", "cat:cs", "x -y"):
            assert not np.any(postings.find(parse_query(text)))


def test_it_packs_and_unpacks() -> None:
    pack = Pack.of([make_document("naïve RL", "Pre-training.", authors=("Y. Li",))])
    again = Pack.from_bytes(pack.to_bytes())
    assert again.surfaces == pack.surfaces
    assert again.forms == pack.forms
    assert [stream.words.tolist() for stream in again.streams] == [
        stream.words.tolist() for stream in pack.streams
    ]
    assert again.streams[2].joined.tolist() == [True, False, False, False]


@settings(max_examples=100, deadline=None)
@given(papers, st.lists(queries, min_size=1, max_size=6), st.integers(1, 3))
def test_papers_packed_again_are_found_as_before(
    documents: list[Document], texts: list[str], every: int
) -> None:
    whole = Postings([Pack.of(documents)])
    kept = np.arange(len(whole)) % every == 0
    some = Postings([whole.pack(kept), whole.pack(~kept)])
    assert sorted(some.ids.tolist()) == whole.ids.tolist()
    assert some.categories() == whole.categories()
    for text in texts:
        try:
            parse_query(text)
        except QueryError:
            continue
        found = found_in(some, text, DEFAULT_SYNONYMS)
        assert found == found_in(whole, text, DEFAULT_SYNONYMS), text


def test_arrays_are_all_there_is_of_postings() -> None:
    postings = Postings([Pack.of([make_document("Grokking RL", "Pre-training, lazily.", id=7)])])
    again = Postings.of_arrays(postings.arrays)
    for text in ("grokking", "RL", "pretraining", "lazi* OR grok*"):
        assert found_in(again, text, DEFAULT_SYNONYMS) == {7}
