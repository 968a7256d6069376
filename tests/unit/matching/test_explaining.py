"""Why one query finds a paper: the reasons of the index, whatever way they are found."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.matching.base import Document
from newsletter.matching.explaining import Explainer
from newsletter.matching.index import Index
from newsletter.matching.query import Query, parse_query
from newsletter.matching.reading import Reading
from tests.unit.matching.papers import CONTRACT_SYNONYMS, make_document
from tests.unit.matching.test_index import DOCUMENTS, QUERIES


def explain(text: str, document: Document) -> list[tuple[str, str]]:
    found = Explainer(parse_query(text), True, CONTRACT_SYNONYMS).explain(Reading(document))
    return [(reason.field, reason.text) for reason in found]


def test_it_says_where_a_phrase_stands() -> None:
    document = make_document(
        "Pre-training at scale", "We pretrain. Pretraining pays, pre training."
    )
    assert explain("pretraining", document) == [
        ("title", "Pre-training"),
        ("abstract", "Pretraining"),
        ("abstract", "pre training"),
    ]
    assert explain("protein folding", document) == []


# A hundred phrases that are cut in other ways than the texts they are looked for in.
WORDS = st.sampled_from(
    ["pre", "training", "pretraining", "in", "deed", "for", "mat", "the", "rapist"]
)
PHRASES = st.lists(WORDS, min_size=1, max_size=4).flatmap(
    lambda words: st.sampled_from([" ".join(words), "-".join(words), "".join(words)])
)
TEXTS = st.lists(st.tuples(PHRASES, st.sampled_from([" ", "-", ". ", "/"]))).map(
    lambda pieces: "".join(word + between for word, between in pieces)
)


@given(PHRASES.map(parse_query) | QUERIES, DOCUMENTS, TEXTS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_it_gives_the_reasons_of_the_index(
    query: Query, documents: list[Document], text: str, expand: bool
) -> None:
    explainer = Explainer(query, expand, CONTRACT_SYNONYMS)
    index = Index({0: (query, expand)}, CONTRACT_SYNONYMS)
    cut = make_document(text, text.upper(), keywords=(text, "in deed"), organizations=(text,))
    for document in (*documents, cut):
        reading = Reading(document)
        assert explainer.explain(reading) == index.explain(reading).get(0, ())
