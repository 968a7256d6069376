"""What readers change themselves: interests, hour, zone, days, pause, address."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from newsletter.days import run_day, run_minute
from newsletter.explanations import explain_pair
from newsletter.models import Delivery, Paper
from subscribers.models import ConsentEvent, Grant, Interest, Subscriber
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe
from tests.integration.managing.visiting import (
    enter,
    newest_link,
    part_of,
    post,
    read_mails,
    strict_client,
)
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db

ADA = "ada@reader.example"
NEW = "ada@new.example"


def interests(reader: int) -> list[tuple[str, int, bool, bool]]:
    rows = Interest.objects.filter(subscriber=reader).select_related("query")
    return [(row.text, row.weight, row.muted, row.query.expand) for row in rows]


def change(client: Client, action: str, interest: int = 0, text: str = "") -> None:
    fields: dict[str, Any] = {"do": action, "interest": interest, "text": text}
    assert post(client, "/manage", to="/manage/interests", **fields).status_code == 303


def test_a_reader_changes_interests(server: SmtpServer) -> None:
    reader = subscribe("RL", "protein folding", email=ADA)
    client = enter(server, ADA)
    first, second = Interest.objects.filter(subscriber=reader).values_list("pk", flat=True)
    change(client, "add", text="author:LeCun")
    change(client, "star", second)
    change(client, "up", second)
    change(client, "exact", first)
    change(client, "mute", first)
    change(client, "edit", second, "protein design")
    assert interests(reader) == [
        ("protein design", 2, False, True),
        ("RL", 1, True, False),
        ("author:LeCun", 1, False, True),
    ]
    change(client, "unstar", second)
    change(client, "unmute", first)
    change(client, "synonyms", first)
    change(client, "down", second)
    change(client, "remove", second)
    assert [row[0] for row in interests(reader)] == ["RL", "author:LeCun"]
    assert interests(reader)[0] == ("RL", 1, False, True)


def test_the_page_says_what_else_an_interest_finds(server: SmtpServer) -> None:
    subscribe("RL", email=ADA)
    client = enter(server, ADA)
    page = client.get("/manage").content.decode()
    assert "“reinforcement learning”" in page
    assert "also finds" in page
    change(client, "exact", Interest.objects.get().pk)
    assert "synonyms are off, so it does not find" in client.get("/manage").content.decode()


@pytest.mark.parametrize(("text", "words"), [("a AND", "AND"), ("", ""), ("x\x00y", "control")])
def test_it_says_why_an_interest_is_refused(server: SmtpServer, text: str, words: str) -> None:
    reader = subscribe("RL", email=ADA)
    client = enter(server, ADA)
    response = post(client, "/manage", to="/manage/interests", do="add", text=text)
    assert response.status_code == 400
    page = response.content.decode()
    assert 'role="alert"' in page
    assert words in page
    assert len(interests(reader)) == 1


def test_it_keeps_an_interest_once(server: SmtpServer) -> None:
    reader = subscribe("RL", "protein folding", email=ADA)
    client = enter(server, ADA)
    key = Interest.objects.get(subscriber=reader, text="RL").pk
    fields: dict[str, Any] = {"do": "edit", "interest": key, "text": "Protein  folding"}
    assert post(client, "/manage", to="/manage/interests", **fields).status_code == 400
    assert [row[0] for row in interests(reader)] == ["RL", "protein folding"]


SETTINGS: dict[str, Any] = {
    "language": "en",
    "send_time": "06:30",
    "timezone": "Asia/Tokyo",
    "weekdays": ["1", "4"],
    "papers_per_letter": "5",
    "similar_up_to": "3",
    "empty_days": "line",
}


def test_a_reader_changes_hour_days_and_what_a_letter_holds(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    client = enter(server, ADA)
    assert post(client, "/manage/letter", **SETTINGS).status_code == 303
    row = Subscriber.objects.get(pk=reader)
    assert (row.send_time, row.timezone, row.weekdays) == (time(6, 30), "Asia/Tokyo", 0b101)
    assert (row.papers_per_letter, row.similar_up_to, row.empty_days) == (5, 3, "line")
    page = client.get("/manage/letter").content.decode()
    assert "Kept." in page
    assert 'value="06:30"' in page
    assert "Kept." not in client.get("/manage/letter").content.decode()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("timezone", "Europe/Pariss", "Europe/Paris"),
        ("send_time", "25:00", "no hour of the day"),
        ("weekdays", [], "Choose at least one day"),
        ("papers_per_letter", "31", "1 to 30"),
        ("similar_up_to", "11", "0 (off) to 10"),
        ("empty_days", "always", "always"),
        ("language", "xx", "xx"),
    ],
)
def test_it_says_what_is_wrong_and_keeps_the_rest_as_typed(
    server: SmtpServer, name: str, value: object, words: str
) -> None:
    reader = subscribe("RL", email=ADA)
    client = enter(server, ADA)
    response = post(client, "/manage/letter", **{**SETTINGS, name: value})
    assert response.status_code == 400
    page = response.content.decode()
    assert words in page
    assert re.search(r"<title>\s*Error:", page)
    assert Subscriber.objects.get(pk=reader).papers_per_letter == 10


def test_a_pause_sends_nothing_and_ends_by_itself(server: SmtpServer) -> None:
    reader = subscribe("reinforcement learning", email=ADA, timezone="Asia/Tokyo")
    with time_machine.travel(MORNING, tick=True):
        client = enter(server, ADA)
        until = DAY + timedelta(days=2)
        assert post(client, "/manage/letter", "/manage/pause", until=until).status_code == 303
        assert "No letters until 22 November 2026" in client.get("/manage/letter").content.decode()
    sent = len(server.accepted)
    store(RL)
    assert run_day(None, MORNING, everyone=True).planned == 0
    run_minute(MORNING + timedelta(days=1))
    assert Subscriber.objects.get(pk=reader).status == "paused"
    # Tokyo's 22nd begins at 15:00 UTC on the 21st.
    run_minute(MORNING + timedelta(days=1, hours=9))
    row = Subscriber.objects.get(pk=reader)
    assert (row.status, row.paused_until) == ("confirmed", None)
    assert row.next_send_at == MORNING.replace(day=21, hour=23, minute=0)  # 08:00 in Tokyo
    assert row.covered_until == DAY
    assert len(server.accepted) == sent


def test_a_pause_without_a_day_lasts_until_the_reader_says_so(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    client = enter(server, ADA)
    post(client, "/manage/letter", "/manage/pause", until="")
    run_minute(timezone.now() + timedelta(days=400))
    assert Subscriber.objects.get(pk=reader).status == "paused"
    client = enter(server, ADA)
    post(client, "/manage/letter", "/manage/pause", do="resume")
    row = Subscriber.objects.get(pk=reader)
    assert row.status == "confirmed"
    assert row.next_send_at is not None
    assert row.next_send_at > timezone.now()


@pytest.mark.parametrize("until", ["2020-01-01", "2999-01-01", "soon", "2026-02-30"])
def test_it_refuses_a_day_that_is_none_to_pause_until(server: SmtpServer, until: str) -> None:
    reader = subscribe("RL", email=ADA)
    client = enter(server, ADA)
    response = post(client, "/manage/letter", "/manage/pause", until=until)
    assert response.status_code == 400
    assert Subscriber.objects.get(pk=reader).status == "confirmed"


def test_a_muted_interest_finds_nothing(server: SmtpServer) -> None:
    reader = subscribe("reinforcement learning", "protein folding", email=ADA)
    client = enter(server, ADA)
    key = Interest.objects.get(subscriber=reader, text="protein folding").pk
    change(client, "mute", key)
    store(RL, FOLDING)
    run_day(None, MORNING, everyone=True)
    assert len(Delivery.objects.get(subscriber=reader).picks) == 1
    text = part_of(read_mails(server)[-1][1])
    assert FOLDING not in text
    paper = Paper.objects.get(title=FOLDING)
    why = explain_pair(reader, paper.pk, MORNING).sentence
    assert "only “protein folding” matches it, and the reader has muted that" in why


def test_an_address_changes_when_both_say_yes(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    client = enter(server, ADA)
    assert post(client, "/manage/address", email=NEW).status_code == 202
    old = newest_link(server, ADA, "/address/old/")
    new = newest_link(server, NEW, "/address/new/")
    assert ADA not in str([part_of(mail) for to, mail in read_mails(server) if to == NEW])
    for link in (old, new):
        assert strict_client().get(link, follow=True).status_code == 200
        assert strict_client().head(link, follow=True).status_code == 200
    assert "One yes is in" in strict_client().post(new).content.decode()
    assert Subscriber.objects.get(pk=reader).email == ADA
    assert "The address is changed" in strict_client().post(old).content.decode()
    assert Subscriber.objects.get(pk=reader).email == NEW
    assert client.get("/manage/letters").status_code == 303  # the visit was of the old address
    assert ConsentEvent.objects.filter(subscriber=reader, kind="address_changed").count() == 1
    assert not Grant.objects.filter(payload__email=NEW).exists()
    last = read_mails(server)[-1]
    assert last[0] == ADA
    assert "a•••@new.example" in part_of(last[1])


def test_an_address_that_is_taken_gets_no_mail_and_the_page_says_the_same(
    server: SmtpServer,
) -> None:
    subscribe("RL", email=ADA)
    subscribe("RL", email="taken@new.example")
    client = enter(server, ADA)
    answers = [
        post(client, "/manage/address", email=email).content.decode().replace(email[:1], "")
        for email in ("taken@new.example", "tried@new.example")
    ]
    assert re.sub("csrf.*", "", answers[0]) == re.sub("csrf.*", "", answers[1])
    assert "taken@new.example" not in [to for to, _ in read_mails(server)]


def test_an_address_taken_meanwhile_changes_nothing(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    client = enter(server, ADA)
    post(client, "/manage/address", email=NEW)
    old = newest_link(server, ADA, "/address/old/")
    new = newest_link(server, NEW, "/address/new/")
    strict_client().post(old)
    subscribe("RL", email=NEW)
    assert "cannot be used" in strict_client().post(new).content.decode()
    assert Subscriber.objects.get(pk=reader).email == ADA


def test_it_mails_one_new_address_once_and_few_in_a_day(server: SmtpServer) -> None:
    subscribe("RL", email=ADA)
    client = enter(server, ADA)
    codes = [
        post(client, "/manage/address", email=f"n{number % 2}@new.example").status_code
        for number in range(5)
    ]
    assert codes == [202, 202, 202, 400, 400]
    sent = [to for to, _ in read_mails(server)]
    assert sorted(to for to in sent if to != ADA) == ["n0@new.example", "n1@new.example"]


def test_a_yes_of_one_change_is_none_to_another(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    client = enter(server, ADA)
    post(client, "/manage/address", email=NEW)
    first = newest_link(server, ADA, "/address/old/")
    post(client, "/manage/address", email="other@new.example")
    strict_client().post(first)
    strict_client().post(newest_link(server, "other@new.example", "/address/new/"))
    assert Subscriber.objects.get(pk=reader).email == ADA


def test_a_line_comes_on_empty_days_where_wanted(server: SmtpServer) -> None:
    line = subscribe("astronomy", email=ADA)
    subscribe("astronomy", email="quiet@reader.example")
    Subscriber.objects.filter(pk=line).update(empty_days="line")
    store(RL)
    report = run_day(None, MORNING, everyone=True)
    assert (report.sent, report.empty) == (1, 1)
    ((to, mail),) = read_mails(server)
    assert (to, mail["Subject"]) == (ADA, "Fri 20 Nov: nothing for you")
    assert "Of 1 paper announced, none is yours." in part_of(mail)


def test_a_heartbeat_comes_once_a_week(server: SmtpServer) -> None:
    reader = subscribe("astronomy", email=ADA, now=MORNING - timedelta(days=30))
    Subscriber.objects.filter(pk=reader).update(
        empty_days="heartbeat", covered_until=DAY - timedelta(days=1)
    )
    sent = []
    for number in range(9):
        now = MORNING + timedelta(days=number)
        store(f"{RL}, part {number}", listed_on=DAY + timedelta(days=number))
        with time_machine.travel(now, tick=True):
            sent.append(run_day(None, now, everyone=True).sent)
        # The database's own clock does not travel.
        Delivery.objects.filter(edition__date=now.date()).update(finished_at=now)
    assert sent == [1, 0, 0, 0, 0, 0, 0, 1, 0]
