"""The files that are searched: they have what is stored, and nothing is read twice for them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from newsletter import searchbook, volumes
from newsletter.arrayfiles import open_arrays, write_arrays
from newsletter.bench.generation import make_papers
from newsletter.matching.index import match_query
from newsletter.matching.query import parse_query
from newsletter.models import Paper, PaperChange
from newsletter.papers import list_documents
from newsletter.search import Sort, find_papers, find_similar
from newsletter.searchbook import current_searchbook
from newsletter.synonyms import read_synonyms
from newsletter.volumes import Indexed, directory, index_papers, is_indexing_due
from tests.factories import DAY, store

pytestmark = pytest.mark.django_db
QUERIES = (
    *("learning", "RL", "LLM OR GNN", "train*", "cat:cs", "the -RL", 'title:"a" OR model'),
    *('"learning model"~3', "author:li", "data AND (model OR learning)", "of the", "re-lation"),
)


@pytest.fixture(autouse=True)
def _own_files(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(volumes, "VOLUME", 16)
    monkeypatch.setattr(searchbook, "_book", None)


def add(number: int, seed: int = 1) -> list[int]:
    """Store invented papers, a few words long, and return their ids."""
    words = ("learning", "RL", "pre-training", "model.", "the data of", "GNN", "robots,")
    chance = random.Random(seed)
    for paper in make_papers(number, seed):
        Paper.objects.create(
            title=f"{chance.choice(words)} and {paper.title}",
            title_key=f"{seed} {paper.id}",
            abstract=" ".join(chance.choices(words, k=9)) + paper.abstract[:200],
            authors=["Ada Li", *paper.authors],
            categories=list(paper.categories),
            upvotes=chance.randrange(3),
            newest_listing=DAY,
        )
    return sorted(Paper.objects.values_list("pk", flat=True))


def assert_all_is_found() -> None:
    shown = Paper.objects.filter(hidden=False)
    documents = list(list_documents(shown))
    for text in QUERIES:
        expected = [
            m.document_id for m in match_query(parse_query(text), documents, read_synonyms())
        ]
        found = find_papers(text)
        assert (sorted(found.ids), found.missing) == (sorted(expected), 0), text
        assert found.total == len(expected)


def test_it_finds_what_the_index_finds_whatever_happened_since() -> None:
    ids = add(50)
    assert_all_is_found()  # of the process's own
    assert index_papers() == Indexed(50, len({key // 16 for key in ids}))
    assert_all_is_found()
    assert not current_searchbook().fresh
    Paper.objects.filter(pk__in=ids[:9:3]).update(title="Nothing of that", hidden=False)
    Paper.objects.filter(pk__in=ids[10:20:4]).update(hidden=True)
    Paper.objects.filter(pk__in=ids[20:30:4]).delete()
    add(7, seed=2)
    assert_all_is_found()
    assert current_searchbook().fresh
    done = index_papers()
    assert done.papers == 7 + 3
    assert not current_searchbook().fresh
    assert_all_is_found()
    Paper.objects.update(hidden=False)
    assert_all_is_found()
    assert index_papers().papers == 0


def test_it_turns_pages_of_many_that_are_as_good() -> None:
    add(60)
    index_papers()
    for sort in Sort:
        for text in ("learning OR the OR model", "cat:cs"):
            whole = find_papers(text, sort).ids
            parts = [find_papers(text, sort, first, 7).ids for first in range(0, 70, 7)]
            assert sum(parts, ()) == whole
            assert len(whole) > 20


def test_it_needs_the_papers_once(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    add(40)
    index_papers()
    current_searchbook()
    with django_assert_num_queries(1):  # did anything change?
        current_searchbook()
    searchbook._book = None
    with django_assert_num_queries(4):  # which database, its log; and the papers of this test,
        current_searchbook()  # whose transaction is still open


def test_it_goes_on_where_it_was_interrupted() -> None:
    ids = add(50)

    def interrupt(said: str) -> None:
        if said.startswith(f"volume {ids[-1] // 16 - 2}:"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_papers(interrupt)
    book = volumes.read_book()
    had = sum(len(one.postings) for one in book.volumes)
    assert 16 < had < 50
    assert book.missing == 50 - had
    assert is_indexing_due()
    assert index_papers().papers == 50 - had
    assert_all_is_found()
    assert not is_indexing_due()


def test_it_says_how_many_papers_it_has_not_read(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searchbook, "MOST_FRESH", 20)
    ids = add(50)
    found = find_papers("cat:cs OR cat:stat OR cat:eess")
    assert found.missing == 30
    assert set(found.ids) <= set(ids[-20:])
    said = "The 30 oldest papers are still being read in"
    assert said in client.get("/search", {"q": "cat:cs"}).content.decode()
    index_papers()
    assert said not in client.get("/search", {"q": "cat:cs"}).content.decode()
    assert find_papers("cat:cs").missing == 0


def test_it_takes_no_files_of_another_database_or_of_other_rules() -> None:
    add(20)
    index_papers()
    path = directory() / "book.words"
    arrays, note = open_arrays(path)
    for strange in ({"database": "another"}, {"rules": "others"}, {"low": 1 << 60}, {"checked": 0}):
        write_arrays(path, arrays, note | strange)
        with pytest.raises(volumes.NoBook):
            volumes.read_book()
        assert_all_is_found()
    (directory() / note["volumes"][0]).unlink()
    write_arrays(path, arrays, note)
    assert_all_is_found()
    index_papers()
    assert_all_is_found()


def test_it_notices_what_was_taken_back() -> None:
    ids = add(20)
    index_papers()
    with transaction.atomic():
        Paper.objects.filter(pk=ids[0]).update(title="Marmalade", abstract="")
        Paper.objects.create(title="More marmalade", title_key="more")
        assert find_papers("marmalade").total == 2
        transaction.set_rollback(True)
    assert find_papers("marmalade").total == 0
    assert_all_is_found()


def test_papers_found_alike_are_of_all_volumes() -> None:
    add(40)
    before = {p.pk: find_similar(p, 3) for p in Paper.objects.all()}
    index_papers()
    after = {p.pk: find_similar(p, 3) for p in Paper.objects.all()}
    assert any(after.values())
    assert all(key not in found for key, found in after.items())
    assert before.keys() == after.keys()


def test_words_of_deleted_papers_leave_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = add(30)
    Paper.objects.filter(pk=ids[3]).update(title="Marmalade", abstract="")
    index_papers()
    Paper.objects.filter(pk=ids[3]).delete()

    def files() -> bytes:
        return b"".join(path.read_bytes() for path in directory().glob("volume-*"))

    assert b"marmalade" in files()
    monkeypatch.setattr(volumes, "CHECKED", -1)  # a day later
    index_papers()
    assert b"marmalade" not in files()


def test_only_one_process_makes_them(tmp_path: Path) -> None:
    import fcntl

    add(3)
    directory().mkdir()
    with open(directory() / "lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said: list[str] = []
        assert index_papers(said.append) == Indexed(0, 0)
        assert said == ["another process is at it"]
    assert index_papers().papers == 3
    assert not [path for path in directory().iterdir() if path.name.startswith(".")]


@pytest.fixture
def _emptied() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE newsletter_paperchange")


@pytest.mark.usefixtures("_emptied")
@pytest.mark.django_db(transaction=True)
def test_it_finds_what_was_committed_late_and_forgets_what_was_emptied() -> None:
    store("Early")
    index_papers()
    assert find_papers("early").total == 1
    late = connection.copy()  # another transaction, older than what is stored meanwhile
    late.set_autocommit(False)
    with late.cursor() as cursor:
        cursor.execute("UPDATE newsletter_paper SET title = 'Late marmalade'")
    store("Between")
    assert find_papers("between").total == 1
    assert find_papers("marmalade").total == 0
    late.commit()
    late.close()
    assert find_papers("marmalade").total == 1
    assert find_papers("title:early").total == 0
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE newsletter_paper CASCADE")
    assert find_papers("marmalade OR between").total == 0
    assert PaperChange.objects.filter(paper_id=None).exists()
