"""Thin letters filled up with what is like the papers a reader saved, never at a match's price."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.db import IntegrityError, transaction

from newsletter.days import prepare_edition, run_day
from newsletter.explanations import explain_pair
from newsletter.models import Delivery, Paper, SavedPaper
from newsletter.outcomes import Outcome
from newsletter.planning import plan_edition
from newsletter.previews import preview_letter, read_delivery_letter
from newsletter.saving import NEWEST, read_liked, save_paper
from subscribers.models import Subscriber
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
LIKED = "Galaxies seen through dust"
NEAR = "Dust lanes hide spiral galaxies from telescopes"
FAR = "Contracts between strangers on a market"


def key(title: str) -> int:
    return Paper.objects.values_list("pk", flat=True).get(title=title)


def like(reader: int, title: str = LIKED, how: str = "saved") -> None:
    """The reader saved a paper that was announced long ago."""
    store(title, listed_on=DAY - timedelta(days=40))
    save_paper(reader, key(title), how, MORNING)


def send() -> None:
    run_day(None, MORNING, everyone=True)


def carried(reader: int) -> list[str]:
    picks = Delivery.objects.get(subscriber=reader).picks
    titles = dict(Paper.objects.values_list("pk", "title"))
    return [titles[pick[0]] for pick in picks]


def read_text(server: SmtpServer) -> str:
    mail = message_from_bytes(server.accepted[-1].data, policy=policy.default)
    return " ".join(mail.get_body(("plain",)).get_content().split())  # type: ignore[union-attr]


def test_it_is_off_unless_chosen(server: SmtpServer) -> None:
    reader = subscribe("quantum")
    like(reader)
    store(NEAR, FAR)
    send()
    assert Delivery.objects.get(subscriber=reader).state == "empty"
    assert not server.accepted


def test_it_fills_a_thin_letter_with_what_is_nearest(server: SmtpServer) -> None:
    reader = subscribe("reinforcement learning", similar_up_to=3)
    like(reader)
    store(RL, NEAR, FAR)
    send()
    assert carried(reader) == [RL, NEAR]
    text = read_text(server)
    assert "2 are yours: 1 for reinforcement learning, 1 similar to what you saved." in text
    assert f"Similar to “*{LIKED}*”, which you saved." in text
    assert "Here because of ." not in text


def test_it_writes_to_who_has_no_match_and_says_so(server: SmtpServer) -> None:
    reader = subscribe("quantum", similar_up_to=2)
    like(reader, how="opened")
    store(NEAR, FAR, RL)
    send()
    assert carried(reader) == [NEAR]
    text = read_text(server)
    assert "1 is yours, similar to what you saved: none matched." in text
    assert "which you opened." in text


def test_it_never_takes_the_place_of_a_match(server: SmtpServer) -> None:
    reader = subscribe("reinforcement learning", papers_per_letter=2, similar_up_to=10)
    like(reader)
    store(*[f"Reinforcement learning, part {number}" for number in range(4)], NEAR)
    send()
    assert len(carried(reader)) == 2
    assert NEAR not in carried(reader)


def test_it_keeps_the_reader_s_cap_and_number(server: SmtpServer) -> None:
    few = subscribe("reinforcement learning", papers_per_letter=2, similar_up_to=10)
    some = subscribe("reinforcement learning", similar_up_to=3)
    store(RL, *[f"{NEAR}, part {number}" for number in range(6)])
    for reader in (few, some):
        like(reader)
    send()
    assert [len(carried(reader)) for reader in (few, some)] == [2, 3]
    assert carried(some)[0] == RL


def test_it_leaves_out_hidden_and_liked_papers(server: SmtpServer) -> None:
    reader = subscribe("quantum", similar_up_to=5)
    store(NEAR, f"{NEAR}, again")
    Paper.objects.filter(title=NEAR).update(hidden=True)
    like(reader)
    save_paper(reader, key(f"{NEAR}, again"), "saved", MORNING)
    send()
    assert Delivery.objects.get(subscriber=reader).state == "empty"


def test_a_retry_composes_the_same_letter(server: SmtpServer) -> None:
    reader = subscribe("reinforcement learning", email="d451-1@reader.example", similar_up_to=4)
    like(reader)
    store(RL, NEAR, FAR)
    send()
    first = Delivery.objects.get(subscriber=reader)
    assert first.state == "deferred"
    before = read_delivery_letter(first.pk, reader)
    save_paper(reader, key(FAR), "saved", MORNING)
    Subscriber.objects.filter(pk=reader).update(similar_up_to=0)
    assert read_delivery_letter(first.pk, reader) == before
    assert [len(pick) for pick in first.picks] == [2, 4]


def test_a_retry_of_similar_papers_alone_adds_no_match(server: SmtpServer) -> None:
    reader = subscribe("quantum", email="d451-2@reader.example", similar_up_to=4)
    like(reader)
    store(RL, NEAR)
    send()
    delivery = Delivery.objects.get(subscriber=reader)
    Delivery.objects.filter(pk=delivery.pk).update(state="queued", next_at=MORNING)
    Subscriber.objects.get(pk=reader).interests.update(text="labels")
    picks = delivery.picks
    send()
    assert Delivery.objects.get(subscriber=reader).picks == picks


def test_it_asks_as_many_questions_for_many_readers(
    server: SmtpServer, django_assert_max_num_queries: object
) -> None:
    readers = [subscribe("reinforcement learning", similar_up_to=5) for _ in range(25)]
    store(RL, FOLDING, NEAR, FAR)
    for reader in readers:
        like(reader)
    edition, _ = prepare_edition(DAY, MORNING)
    plan_edition(edition, MORNING, everyone=True)
    with django_assert_max_num_queries(90 + 25):  # type: ignore[operator]
        send()
    assert Delivery.objects.filter(state="sent").count() == 25


def test_the_preview_and_the_explanation_know_it(server: SmtpServer) -> None:
    reader = subscribe("quantum", similar_up_to=2)
    like(reader)
    store(NEAR)
    send()
    delivery = Delivery.objects.get(subscriber=reader)
    assert preview_letter(delivery.edition_id, reader).papers == 1
    said = explain_pair(reader, key(NEAR), MORNING)
    assert said.outcome == Outcome.GOT
    assert f"as similar to “{LIKED}”" in said.sentence


def test_saving_keeps_one_row_and_the_stronger_word() -> None:
    reader = subscribe()
    store(RL)
    paper = key(RL)
    assert save_paper(reader, paper, "opened", MORNING)
    assert not save_paper(reader, paper, "saved", MORNING)
    assert not save_paper(reader, paper, "opened", MORNING)
    assert SavedPaper.objects.get().how == "saved"
    with pytest.raises(ValueError, match="glanced"):
        save_paper(reader, paper, "glanced", MORNING)


def test_it_reads_the_newest_likes_of_each_reader() -> None:
    readers = [subscribe(), subscribe()]
    store(*[f"Paper number {number}" for number in range(NEWEST + 2)])
    for number, paper in enumerate(Paper.objects.order_by("pk")):
        save_paper(readers[0], paper.pk, "saved", MORNING + timedelta(minutes=number))
    liked = read_liked(readers)
    assert len(liked[readers[0]]) == NEWEST
    assert liked[readers[0]][0].paper_id == key(f"Paper number {NEWEST + 1}")
    assert readers[1] not in liked


def test_the_database_refuses_more_than_ten() -> None:
    reader = subscribe()
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscriber.objects.filter(pk=reader).update(similar_up_to=11)
