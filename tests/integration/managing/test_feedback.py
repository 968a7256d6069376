"""A feedback link signs its reader alone: what else it says gives no right, whoever wrote it."""

from __future__ import annotations

import pytest

from newsletter import links
from newsletter.models import Notice, Paper, SavedPaper
from subscribers.models import Interest, Query
from tests.factories import FOLDING, RL, store, subscribe
from tests.integration.managing.visiting import SITE, strict_client

pytestmark = pytest.mark.django_db

ADA, BOB = "ada@reader.example", "bob@reader.example"
LEARNING, PROTEIN = "reinforcement learning", "protein folding"


def make_paper(title: str = RL) -> int:
    store(title)
    return Paper.objects.get(title=title).pk


def query_of(reader: int) -> int:
    return Query.objects.get(interests__subscriber=reader).pk


def path_of(url: str) -> str:
    return url.removeprefix(SITE)


def base_of(reader: int) -> str:
    return path_of(links.feedback_base(reader))


def older_path(reader: int, paper: int, *queries: int) -> str:
    """Return the link as letters had it when paper and interests were signed too."""
    extra = ".".join(map(str, (paper, *queries)))
    return f"/f/{links.make_token(links.FEEDBACK_OF_PAPER, reader, extra)}"


def see(path: str) -> str:
    response = strict_client().get(path, follow=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("older", [False, True])
def test_both_forms_of_the_link_do_the_same(older: bool) -> None:
    reader, paper = subscribe(LEARNING, email=ADA), make_paper()
    query = query_of(reader)
    new = path_of(links.feedback_url(reader, paper, [query]))
    link = older_path(reader, paper, query) if older else new
    page = see(link)
    assert RL in page
    assert f"<bdi>{LEARNING}</bdi>" in page
    strict_client().post(link, {"do": "save"})
    assert SavedPaper.objects.get().how == "saved"
    strict_client().post(link, {"do": "mute", "query": query})
    assert Interest.objects.get().muted


@pytest.mark.parametrize("older", [False, True])
def test_a_pasted_link_opens_whichever_form_it_has(older: bool) -> None:
    reader, paper = subscribe(LEARNING, email=ADA), make_paper()
    query = query_of(reader)
    new = links.feedback_url(reader, paper, [query])
    link = SITE + older_path(reader, paper, query) if older else new
    address = strict_client().get(path_of(link))["Location"]
    encoded = (link.replace("~", "%7E"), link.replace("~", "%7e"))
    for text in (link, f" {link}/ ", link.rpartition("/")[2], *encoded):
        page = strict_client().post(address, {"link": text})  # no cookie
        assert page.status_code == 200, text
        assert f'name="token" value="{link.rpartition("/")[2]}"' in page.content.decode()


def test_a_link_whose_tilde_was_encoded_opens() -> None:
    reader, paper = subscribe(LEARNING, email=ADA), make_paper()
    link = path_of(links.feedback_url(reader, paper, [query_of(reader)]))
    assert f"<bdi>{LEARNING}</bdi>" in see(link.replace("~", "%7E"))


def test_the_longest_link_there_can_be_is_carried_to_its_page() -> None:
    largest = 2**63 - 1
    link = links.feedback_url(largest, largest, [largest] * 4)
    client = strict_client()
    answer = client.get(path_of(link))
    assert answer.status_code == 303
    assert client.get(answer["Location"]).status_code == 410
    assert client.post(answer["Location"], {"link": link}).status_code == 410


def test_one_readers_base_does_nothing_to_the_interests_of_another() -> None:
    ada, bob, paper = subscribe(LEARNING, email=ADA), subscribe(PROTEIN, email=BOB), make_paper()
    theirs = query_of(bob)
    link = base_of(ada) + links.feedback_tail(paper, [theirs])
    page = see(link)
    assert PROTEIN not in page
    assert "Not because of this word" not in page
    for action in ("mute", "unmute", "save", "like", "link"):
        answer = strict_client().post(link, {"do": action, "query": theirs})
        assert PROTEIN not in answer.content.decode()
    assert not Interest.objects.filter(muted=True).exists()
    assert set(SavedPaper.objects.values_list("subscriber", flat=True)) == {ada}
    assert set(Notice.objects.values_list("subscriber", flat=True)) == {ada}


def test_an_interest_that_two_readers_have_is_muted_for_one() -> None:
    ada, bob, paper = subscribe(LEARNING, email=ADA), subscribe(LEARNING, email=BOB), make_paper()
    query = Query.objects.get().pk
    link = base_of(ada) + links.feedback_tail(paper, [query])
    strict_client().post(link, {"do": "mute", "query": query})
    assert Interest.objects.get(subscriber=ada).muted
    assert not Interest.objects.get(subscriber=bob).muted


def test_the_tail_of_another_paper_is_that_paper_of_the_same_reader() -> None:
    ada = subscribe(LEARNING, email=ADA)
    make_paper()
    other = make_paper(FOLDING)
    link = base_of(ada) + links.feedback_tail(other)
    assert FOLDING in see(link)
    strict_client().post(link, {"do": "save"})
    assert SavedPaper.objects.filter(subscriber=ada, paper=other, how="saved").exists()
    Paper.objects.filter(pk=other).update(hidden=True)
    assert strict_client().get(link, follow=True).status_code == 410


@pytest.mark.parametrize(
    ("tail", "status"),
    [
        ("", 404), ("~", 404), ("~0", 404), ("~012", 404), ("~x", 404), ("~1~2~3~4~5~6", 404),
        ("~-1", 404), (f"~{2**63}", 404), (f"~1~{2**63}", 404), ("~1" + "0" * 3000, 404),
        ("~%D9%A1", 404), ("~1%00", 404), ("~1", 404), ("~1~2", 404), ("~1~AAAAAAAA", 404),
        (f"~{2**63 - 1}" * 5, 404),
        (links.feedback_tail(2**63 - 1), 410), (links.feedback_tail(2**63 - 1, [1]), 410),
    ],
)  # fmt: skip
def test_a_tail_that_names_nothing_is_a_bad_link(tail: str, status: int) -> None:
    link = f"{base_of(subscribe(LEARNING, email=ADA))}{tail}"
    for action in ("save", "mute", "link"):
        answer = strict_client().post(link, {"do": action, "query": "1"})
        assert answer.status_code == status
    assert strict_client().get(link, follow=True).status_code in (status, 404)
    assert not SavedPaper.objects.exists()


def test_interests_that_are_nobodys_are_passed_over() -> None:
    ada, paper = subscribe(LEARNING, email=ADA), make_paper()
    largest = 2**63 - 1
    link = base_of(ada) + links.feedback_tail(paper, [largest, query_of(ada), largest])
    assert see(link).count("<bdi>" + LEARNING) == 1
    strict_client().post(link, {"do": "mute", "query": 2**63 - 1})
    assert not Interest.objects.filter(muted=True).exists()


@pytest.mark.parametrize("place", ["/u/", "/m/", "/l/", "/feed/saved/", "/undo/"])
def test_it_is_no_link_of_another_kind(place: str) -> None:
    ada, paper = subscribe(LEARNING, email=ADA), make_paper()
    base = base_of(ada).removeprefix("/f/")
    for token in (base, base + links.feedback_tail(paper)):
        assert strict_client().get(place + token, follow=True).status_code == 404
        assert strict_client().post(place + token).status_code in (403, 404, 405)


@pytest.mark.parametrize("older", [False, True])
def test_it_begins_no_visit_and_has_one_mailed_instead(older: bool) -> None:
    ada, paper = subscribe(LEARNING, email=ADA), make_paper()
    new = path_of(links.feedback_url(ada, paper))
    token = (older_path(ada, paper) if older else new).removeprefix("/f/")
    assert strict_client().post(f"/manage/open/{token}").status_code == 403
    assert Notice.objects.get().subscriber_id == ada
