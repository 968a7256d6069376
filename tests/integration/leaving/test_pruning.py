"""What is not kept: every period of docs/managing.md, counted before and after."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from newsletter import chores, retention
from newsletter.chores import do_chores, prune, take_chore
from newsletter.days import run_day
from newsletter.editions import EditionError
from newsletter.models import Chore, Delivery, EditionTally, Notice
from newsletter.notices import queue_notice
from newsletter.retention import prune_readers
from subscribers.grants import issue_grant
from subscribers.limits import take
from subscribers.models import (
    ConsentEvent,
    Grant,
    LimitCount,
    Query,
    Signup,
    Subscriber,
    Suppression,
)
from subscribers.pausing import begin_again
from subscribers.services import Evidence, record_consent, unsubscribe
from tests.factories import MORNING, RL, store, subscribe
from tests.integration.managing.visiting import read_mails
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ROOT = Path(__file__).resolve().parents[3]


def at(subscriber_id: int, **values: object) -> None:
    Subscriber.objects.filter(pk=subscriber_id).update(**values)


def test_who_never_confirmed_is_forgotten_after_seven_days() -> None:
    now = timezone.now()
    reader = subscribe("RL")
    at(reader, status="unconfirmed", confirmed_at=None, created_at=now)
    assert prune_readers(now + 6 * DAY).unconfirmed == 0
    assert prune_readers(now + 7 * DAY + timedelta(minutes=1)).unconfirmed == 1
    assert not Subscriber.objects.exists()
    assert not Suppression.objects.exists()
    assert prune_readers(now + 8 * DAY).unconfirmed == 0


def test_who_left_is_forgotten_after_28_days_and_not_imported_again() -> None:
    now = timezone.now()
    reader = subscribe("RL", email="ada@reader.example")
    unsubscribe(reader, "test", now)
    assert prune_readers(now + 27 * DAY).unsubscribed == 0
    assert prune_readers(now + 28 * DAY + timedelta(minutes=1)).unsubscribed == 1
    assert not Subscriber.objects.exists()
    assert not ConsentEvent.objects.exists()
    assert Suppression.objects.get().reason == "unsubscribed"
    with pytest.raises(ValueError, match="suppressed"):
        subscribe("RL", email="ada@reader.example", returning=True)


def test_who_came_back_is_not_forgotten() -> None:
    now = timezone.now()
    reader = subscribe("RL")
    unsubscribe(reader, "test", now)
    begin_again(Subscriber.objects.get(pk=reader), now + DAY)
    assert prune_readers(now + 40 * DAY).unsubscribed == 0
    assert Subscriber.objects.get().status == "confirmed"


def test_deliveries_become_counts_after_90_days(server: SmtpServer) -> None:
    for _ in range(3):
        subscribe("reinforcement learning")
    subscribe("astronomy")
    store(RL)
    run_day(None, MORNING, everyone=True)
    assert prune_readers(MORNING + 89 * DAY).deliveries == 0
    assert prune_readers(MORNING + 92 * DAY).deliveries == 4
    assert not Delivery.objects.exists()
    tallies = EditionTally.objects.order_by("state")
    counted = [(row.state, row.deliveries, row.papers) for row in tallies]
    assert counted == [("empty", 1, 0), ("sent", 3, 3)]
    assert prune_readers(MORNING + 93 * DAY).deliveries == 0


def test_a_day_whose_letters_are_counts_is_not_mailed_again(server: SmtpServer) -> None:
    subscribe("reinforcement learning")
    store(RL)
    run_day(None, MORNING, everyone=True)
    prune_readers(MORNING + 92 * DAY)
    with pytest.raises(EditionError, match="kept as counts"):
        run_day(MORNING.date(), MORNING + 92 * DAY, everyone=True)
    assert len(server.accepted) == 1


def test_what_still_waits_is_never_folded(server: SmtpServer) -> None:
    from newsletter.days import prepare_edition
    from newsletter.planning import plan_edition

    subscribe("reinforcement learning")
    store(RL)
    edition, _ = prepare_edition(MORNING.date(), MORNING)
    plan_edition(edition, MORNING, everyone=True)
    assert prune_readers(MORNING + 400 * DAY).deliveries == 0
    assert Delivery.objects.get().state == "queued"


def test_where_a_consent_came_from_is_emptied_after_30_days() -> None:
    reader = subscribe("RL")
    evidence = Evidence(
        language="en", form_version="f" * 16, url="https://papers.example.org/subscribe",
        network="192.0.2.0/24", user_agent="A browser",
    )  # fmt: skip
    record_consent(reader, ConsentEvent.Kind.SUBSCRIBED, "the form", "I agree", evidence)
    now = timezone.now()
    assert prune_readers(now + 29 * DAY).networks == 0
    assert prune_readers(now + 30 * DAY + timedelta(minutes=1)).networks == 1
    event = ConsentEvent.objects.get(kind="subscribed")
    assert (event.network, event.user_agent) == ("", "")
    assert (event.wording, event.url, event.form_version) == ("I agree", evidence.url, "f" * 16)


def test_service_mail_rights_forms_and_counts_go(server: SmtpServer) -> None:
    now = timezone.now()
    reader = subscribe("RL")
    queue_notice("manage_link", reader, now=now)
    read_mails(server)
    issue_grant(reader, "manage", timedelta(minutes=30), now=now)
    Signup.objects.create(email="a@b.example", choices={}, evidence={}, created_at=now)
    take("test", "thing", 5, timedelta(hours=1), now)
    kept = prune_readers(now + timedelta(minutes=5))
    assert (kept.notices, kept.grants, kept.signups, kept.limits) == (0, 0, 0, 0)
    gone = prune_readers(now + 8 * DAY)
    assert (gone.notices, gone.signups, gone.limits) == (1, 1, 1)
    assert gone.grants == 2
    for model in (Notice, Grant, Signup, LimitCount):
        assert not model.objects.exists()


def test_queries_nobody_asks_for_go() -> None:
    subscribe("RL")
    Query.objects.create(text="nobody's")
    assert prune_readers(timezone.now() + 2 * DAY).queries == 1
    assert Query.objects.count() == 1


def test_chores_are_done_once_a_day_by_whoever_comes() -> None:
    now = timezone.now()
    assert do_chores(now) == ["prune readers", "prune sources", "learn synonyms"]
    assert do_chores(now + timedelta(hours=19)) == []
    assert take_chore("prune readers", now + timedelta(hours=21))
    assert not take_chore("prune readers", now + timedelta(hours=21))


@pytest.mark.django_db(transaction=True)
def test_a_small_box_does_its_chores_without_a_broker() -> None:
    reader = subscribe("RL")
    at(reader, status="unconfirmed", confirmed_at=None, created_at=timezone.now() - 9 * DAY)
    store("A graph neural network (GNN) for graphs")
    call_command("tick", stdout=StringIO())
    assert not Subscriber.objects.filter(pk=reader).exists()
    assert Chore.objects.filter(done_at__gte=timezone.now() - DAY).count() == 3


def test_a_chore_that_fails_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(chores.CHORES, "prune readers", lambda now: 1 / 0)
    assert do_chores(timezone.now()) == ["prune sources", "learn synonyms"]
    assert "'prune readers' failed" in caplog.text


def test_a_dry_run_counts_and_keeps() -> None:
    reader = subscribe("RL")
    unsubscribe(reader, "test", timezone.now())
    later = timezone.now() + 30 * DAY
    counts = prune(later, dry_run=True)
    assert counts["unsubscribed"] == 1
    assert Subscriber.objects.filter(pk=reader).exists()
    assert prune(later) == counts
    assert not Subscriber.objects.filter(pk=reader).exists()


def test_the_command_says_what_went() -> None:
    out = StringIO()
    call_command("prune", stdout=out)
    assert out.getvalue().strip() == "nothing deleted"
    reader = subscribe("RL")
    unsubscribe(reader, "test", timezone.now())
    with time_machine.travel(timezone.now() + 30 * DAY):
        call_command("prune", stdout=out)
    assert "1 unsubscribed" in out.getvalue()


def test_the_table_in_the_docs_says_the_periods() -> None:
    text = (ROOT / "docs/managing.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|]+?) \| (\d+) days?", text, re.MULTILINE))
    periods = {
        "readers who never confirmed": retention.UNCONFIRMED,
        "readers who left": retention.UNSUBSCRIBED,
        "deliveries": retention.DELIVERIES,
        "network and browser of a consent": retention.NETWORKS,
        "service mails": retention.NOTICES,
        "links by mail": retention.GRANTS,
        "forms not answered": retention.SIGNUPS,
        "queries nobody asks for": retention.QUERIES,
    }
    assert {name: timedelta(days=int(days)) for name, days in rows.items()} == periods
