"""What is kept of matching, and that the reasons worked out later are those of the day."""

from __future__ import annotations

import pytest

from newsletter.editions import freeze_edition, match_edition, open_edition
from newsletter.matches import Reasons, edition_synonyms
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.models import Edition, Paper, QueryMatches, Synonym
from newsletter.papers import list_documents, make_document
from newsletter.previews import preview_letter
from newsletter.synonyms import read_synonyms
from subscribers.models import Query
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe

pytestmark = pytest.mark.django_db


def match() -> int:
    edition_id = open_edition(DAY, MORNING)
    freeze_edition(edition_id, MORNING)
    match_edition(edition_id, MORNING)
    return edition_id


def test_it_keeps_papers_and_scores_best_first() -> None:
    store("A study", abstract="Of protein folding.", upvotes=90)
    store(FOLDING)
    subscribe("protein folding")
    match()
    best, second = Paper.objects.get(title=FOLDING), Paper.objects.get(title="A study")
    assert QueryMatches.objects.get().hits == [[best.pk, 13.0], [second.pk, 3.0]]


def test_it_says_why_by_the_synonyms_of_the_day() -> None:
    store(RL)
    reader = subscribe("RL")
    edition_id = match()
    Synonym.objects.filter(short="RL").delete()  # too late for this edition
    text = " ".join(preview_letter(edition_id, reader).text.split())
    assert "Here because of *RL* (as “reinforcement learning”)" in text


def test_it_says_no_place_where_the_text_was_changed_since() -> None:
    store(RL)
    reader = subscribe("reinforcement learning")
    edition_id = match()
    Paper.objects.update(title="Another title", abstract="And another abstract.")
    text = " ".join(preview_letter(edition_id, reader).text.split())
    assert "Here because of *reinforcement learning*." in text


def test_it_goes_on_past_a_stored_query_it_cannot_read(caplog: pytest.LogCaptureFixture) -> None:
    store(RL)
    subscribe("offline")
    subscribe("half the labels")
    broken = Query.objects.get(text="offline")
    Query.objects.filter(pk=broken.pk).update(text="((")
    match()
    assert [row.query.text for row in QueryMatches.objects.select_related("query")] == [
        "half the labels"
    ]
    assert f"query {broken.pk} is not matched" in caplog.text


def test_it_works_out_a_reason_once() -> None:
    store(RL)
    subscribe("RL", "labels")
    match()
    paper, edition = Paper.objects.get(), Edition.objects.get()
    document, synonyms = make_document(paper), edition_synonyms(edition)
    reasons = Reasons()
    ids = list(Query.objects.values_list("pk", flat=True))
    reasons.learn(ids)
    first = [reasons.find(query_id, document, synonyms) for query_id in ids]
    assert all(first)
    assert all(reasons.find(q, document, synonyms) is r for q, r in zip(ids, first, strict=True))


def test_it_keeps_what_the_index_matches_paper_by_paper() -> None:
    store(RL, FOLDING, abstract="We fold, and learn to fold: RL for proteins.", upvotes=7)
    store("A robot that learns", abstract="Reinforcement learning, learning and RL.", upvotes=0)
    texts = ("learning", "RL", "fold* -robot", "protein OR title:learning", "robot AND RL")
    subscribe(*texts)
    match()
    documents = list(list_documents(Paper.objects.all()))
    kept = dict(QueryMatches.objects.values_list("query__text", "hits"))
    for text in texts:
        query = parse_query(text)
        matches = match_query(query, documents, read_synonyms())
        expected = [[one.document_id, one.score] for one in matches]
        assert kept[query.canonical] == expected, text
        assert matches
