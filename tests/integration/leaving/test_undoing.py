"""Out with one request, back by a mailed link; and out before the very next letter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from newsletter import links
from newsletter.days import run_day
from newsletter.models import Delivery
from subscribers.models import ConsentEvent, Grant, Subscriber, Suppression
from subscribers.services import is_suppressed, suppress_address
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe
from tests.integration.managing.visiting import (
    SITE,
    newest_link,
    part_of,
    read_mails,
    strict_client,
)
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
ADA = "ada@reader.example"
ONE_CLICK = ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")


def leave(reader: int) -> None:
    path = f"/u/{links.make_token(links.UNSUBSCRIBE, reader)}"
    response = strict_client().post(path, ONE_CLICK[0], content_type=ONE_CLICK[1])
    assert (response.status_code, response.cookies.output()) == (200, "")


def test_leaving_mails_the_way_back_once(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    for _ in range(3):
        leave(reader)
    ((to, mail),) = read_mails(server)
    assert to == ADA
    assert "you are unsubscribed" in mail["Subject"]
    assert mail["List-Unsubscribe"] is None
    assert "/undo/" in part_of(mail)
    assert "/undo/" in part_of(mail, "html")


def test_the_mailed_link_takes_it_back(server: SmtpServer) -> None:
    reader = subscribe("reinforcement learning", email=ADA)
    leave(reader)
    link = newest_link(server, ADA, "/undo/")
    assert strict_client().get(link, follow=True).status_code == 200
    assert strict_client().head(link, follow=True).status_code == 200
    assert Subscriber.objects.get(pk=reader).status == "unsubscribed"
    assert "Your letters come again" in strict_client().post(link).content.decode()
    row = Subscriber.objects.get(pk=reader)
    assert (row.status, row.unsubscribed_at) == ("confirmed", None)
    assert row.next_send_at is not None
    assert row.interests.count() == 1
    kinds = ConsentEvent.objects.filter(subscriber=reader).order_by("pk")
    assert [event.kind for event in kinds] == ["confirmed_by_operator", "unsubscribed", "returned"]
    assert strict_client().post(link).status_code == 410
    leave(reader)
    assert Subscriber.objects.get(pk=reader).status == "unsubscribed"


def test_the_way_back_is_open_for_two_weeks(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    leave(reader)
    link = newest_link(server, ADA, "/undo/")
    with time_machine.travel(timezone.now() + timedelta(days=15)):
        assert strict_client().post(link).status_code == 410
    assert Subscriber.objects.get(pk=reader).status == "unsubscribed"


def test_nobody_is_brought_back_to_an_address_that_must_not_be_mailed(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    leave(reader)
    link = newest_link(server, ADA, "/undo/")
    suppress_address(ADA, Suppression.Reason.COMPLAINT)
    assert strict_client().post(link).status_code == 410
    assert Subscriber.objects.get(pk=reader).status == "unsubscribed"
    assert Grant.objects.get(purpose="undo").used_at is None


def test_who_complained_gets_no_mail_about_leaving(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    suppress_address(ADA, Suppression.Reason.COMPLAINT)
    leave(reader)
    assert read_mails(server) == []


def test_who_comes_back_misses_nothing_of_that_day_and_gets_no_day_twice(
    server: SmtpServer,
) -> None:
    reader = subscribe("reinforcement learning OR folding", email=ADA)
    store(RL)
    assert run_day(None, MORNING, everyone=True).sent == 1
    with time_machine.travel(MORNING + timedelta(hours=2), tick=True):
        leave(reader)
        strict_client().post(newest_link(server, ADA, "/undo/"))
    store(FOLDING, listed_on=DAY + timedelta(days=1))
    later = MORNING + timedelta(days=1)
    assert run_day(None, MORNING, everyone=True).sent == 0
    assert run_day(None, later, everyone=True).sent == 1
    assert Delivery.objects.filter(subscriber=reader).count() == 2


class LeaveAtPreparation:
    """Posts the one-click request when the letters are composed, right before they are sent."""

    def __init__(self, reader: int) -> None:
        self.reader = reader
        self.done = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if not self.done and "SET message_id" in sql:
            self.done = True
            rows = context["cursor"].fetchall()
            leave(self.reader)
            context["cursor"].execute("SELECT unnest(%s::bigint[])", [[row[0] for row in rows]])
        return result


def test_a_click_between_composing_and_sending_wins(server: SmtpServer) -> None:
    stays = subscribe("reinforcement learning", email="stays@reader.example")
    leaves = subscribe("reinforcement learning", email="leaves@reader.example")
    store(RL)
    with connection.execute_wrapper(LeaveAtPreparation(leaves)):
        run_day(None, MORNING, everyone=True)
    letters = [mail.recipient for mail in server.accepted if b"List-Unsubscribe:" in mail.data]
    assert letters == ["stays@reader.example"]
    states = dict(Delivery.objects.values_list("subscriber", "state"))
    assert states == {stays: "sent", leaves: "cancelled"}


def test_leaving_works_while_the_broker_is_away(
    server: SmtpServer,
    broker_away: None,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:
    reader = subscribe("RL", email=ADA)
    path = links.unsubscribe_url(reader).removeprefix(SITE)
    with django_capture_on_commit_callbacks(execute=True) as hints:
        answer = strict_client().post(path, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert len(hints) == 1
    assert "the broker is away" in caplog.text
    assert Subscriber.objects.get(pk=reader).status == "unsubscribed"
    assert [to for to, _ in read_mails(server)] == [ADA]


def test_a_year_old_link_works_after_the_keys_were_changed(settings: Settings) -> None:
    settings.LINK_KEY = "old"
    reader = subscribe("RL", email=ADA)
    suppress_address("gone@reader.example", Suppression.Reason.COMPLAINT)
    path = f"/u/{links.make_token(links.UNSUBSCRIBE, reader)}"
    settings.LINK_KEY, settings.SECRET_KEY = "new old", "another"
    with time_machine.travel(timezone.now() + timedelta(days=366)):
        assert Client().post(path).status_code == 200
    assert Subscriber.objects.get(pk=reader).status == "unsubscribed"
    assert is_suppressed("gone@reader.example")
    settings.LINK_KEY = "new"
    assert Client().post(path).status_code == 404
