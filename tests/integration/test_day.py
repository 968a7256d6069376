"""A whole day: papers in, letters at a real SMTP server, the ledger telling the truth."""

from __future__ import annotations

import json
from datetime import date, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, Settings

from newsletter.days import DayReport, run_day
from newsletter.models import Delivery, Paper
from subscribers.models import Subscriber, Suppression
from subscribers.services import unsubscribe
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db


def day(**options: object) -> DayReport:
    return run_day(None, MORNING, everyone=True, **options)  # type: ignore[arg-type]


def letters(server: SmtpServer) -> dict[str, EmailMessage]:
    return {
        mail.recipient: message_from_bytes(mail.data, policy=policy.default)
        for mail in server.accepted
    }


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Delivery.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def test_it_mails_each_reader_the_papers_that_match(server: SmtpServer) -> None:
    subscribe("reinforcement learning", email="rl@reader.example")
    subscribe("protein folding", email="folding@reader.example")
    subscribe("astronomy", email="stars@reader.example")
    store(RL, FOLDING)
    report = day()
    assert (report.papers, report.planned, report.sent, report.empty) == (2, 3, 2, 1)
    got = letters(server)
    assert got.keys() == {"rl@reader.example", "folding@reader.example"}
    text = got["rl@reader.example"].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert RL in text.replace("\n", " ")
    assert FOLDING not in text


def test_it_sends_nothing_twice(server: SmtpServer) -> None:
    subscribe()
    store(RL)
    assert day().sent == 1
    again = day()
    assert (again.planned, again.sent) == (0, 0)
    assert len(server.accepted) == 1


def test_it_writes_in_the_ledger_what_each_letter_carried(server: SmtpServer) -> None:
    reader = subscribe("reinforcement learning", "labels")
    store(RL, FOLDING)
    day()
    delivery = Delivery.objects.get(subscriber=reader)
    paper = Paper.objects.get(title=RL)
    assert [paper_id for paper_id, _ in delivery.picks] == [paper.pk]
    assert len(delivery.picks[0][1]) == 2
    assert delivery.state == "sent"
    assert delivery.code == 250
    (mail,) = letters(server).values()
    assert mail["Message-ID"] == delivery.message_id


def test_it_never_sends_a_paper_to_a_reader_twice(server: SmtpServer) -> None:
    subscribe()
    store(RL)
    day()
    store(RL, listed_on=DAY + timedelta(days=1))
    report = run_day(None, MORNING + timedelta(days=1), everyone=True)
    assert (report.papers, report.sent) == (0, 0)


def test_it_says_that_a_paper_came_late(server: SmtpServer) -> None:
    subscribe("learning OR folding")
    store(RL)
    day()
    store(FOLDING)
    note = day().note
    assert "frozen before: 1 papers" in note
    run_day(None, MORNING + timedelta(days=1), everyone=True)
    text = server.accepted[-1].data.decode()
    assert "Late: listed on Friday 20 November" in text.replace("=\r\n", "")


def test_it_mails_the_page_of_a_past_day(server: SmtpServer) -> None:
    subscribe()
    store(RL, listed_on=date(2025, 12, 9))
    assert day().papers == 0  # archive: never mailed by itself
    report = run_day(date(2025, 12, 9), MORNING)
    assert (report.papers, report.sent) == (1, 1)


@pytest.mark.parametrize(
    ("local", "state"),
    [("ok", "sent"), ("h550", "failed"), ("t451", "deferred"), ("d552", "failed")],
)
def test_it_records_what_the_relay_said(server: SmtpServer, local: str, state: str) -> None:
    subscribe(email=f"{local}@reader.example")
    subscribe(email="ok-too@reader.example")
    store(RL)
    day()
    assert Delivery.objects.get(subscriber__email=f"{local}@reader.example").state == state
    assert Delivery.objects.get(subscriber__email="ok-too@reader.example").state == "sent"
    assert Suppression.objects.exists() == (local == "h550")


def test_it_resends_what_is_in_doubt_once(server: SmtpServer) -> None:
    subscribe(email="drop@reader.example")
    store(RL)
    assert day().in_doubt == 1
    assert day().in_doubt == 1  # resent, and in doubt again: now it stays so
    day()
    assert len(server.accepted) == 2
    assert len({m["Message-ID"] for m in letters(server).values()}) == 1


def test_it_never_resends_by_the_policy_park(server: SmtpServer, settings: Settings) -> None:
    settings.IN_DOUBT = "park"
    subscribe(email="drop@reader.example")
    store(RL)
    day()
    assert day().in_doubt == 1
    assert len(server.accepted) == 1


def test_it_keeps_letters_while_the_relay_is_away(settings: Settings) -> None:
    with SmtpServer() as gone:
        settings.EMAIL_URL = gone.url
    subscribe()
    store(RL)
    report = day()
    assert (report.sent, report.queued, report.relay_away) == (0, 1, True)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("queued", 0)
    with SmtpServer() as mended:
        settings.EMAIL_URL = mended.url
        assert day().sent == 1


def test_one_address_that_makes_the_relay_hang_up_does_not_stop_the_others(
    server: SmtpServer,
) -> None:
    subscribe(email="g421@reader.example")
    subscribe(email="p550@reader.example")
    for number in range(3):
        subscribe(email=f"ok{number}@reader.example")
    store(RL)
    report = day()
    assert (report.sent, report.queued, report.relay_away) == (3, 2, False)


def test_it_sends_nothing_to_who_left_after_planning(server: SmtpServer) -> None:
    subscribe(email="gone@reader.example")
    subscribe(email="stays@reader.example")
    store(RL)
    day_before_sending()
    unsubscribe(Subscriber.objects.get(email="gone@reader.example").pk, "test", MORNING)
    day()
    assert [mail.recipient for mail in server.accepted] == ["stays@reader.example"]
    assert states() == {"cancelled": 1, "sent": 1}


def test_an_unsubscribe_during_the_batch_wins(server: SmtpServer) -> None:
    for name in ("first", "second"):
        subscribe(email=f"{name}@reader.example")
    store(RL)
    second = Subscriber.objects.get(email="second@reader.example").pk
    with connection.execute_wrapper(LeaveAtFirstCheck(second)):
        day()
    assert [mail.recipient for mail in server.accepted] == ["first@reader.example"]
    assert states() == {"cancelled": 1, "sent": 1}


class LeaveAtFirstCheck:
    """Unsubscribes a reader as soon as the letters are prepared: after the claim, before DATA."""

    def __init__(self, reader: int) -> None:
        self.reader = reader
        self.left = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if not self.left and "SET message_id" in sql:
            self.left = True
            rows = context["cursor"].fetchall()
            unsubscribe(self.reader, "test", MORNING)
            context["cursor"].execute("SELECT unnest(%s::bigint[])", [[row[0] for row in rows]])
        return result


def day_before_sending() -> None:
    from newsletter.days import prepare_edition
    from newsletter.planning import plan_edition

    edition, _ = prepare_edition(DAY, MORNING)
    plan_edition(edition, MORNING, everyone=True)


def test_one_poison_paper_does_not_stop_the_others(server: SmtpServer) -> None:
    subscribe("reinforcement learning", email="poisoned@reader.example")
    subscribe("protein folding", email="fine@reader.example")
    store(RL, FOLDING)
    day_before_sending()
    Paper.objects.filter(title=RL).update(authors=["Ada\x0bBcc: x@example.org"], title="\x0b")
    day()
    assert "fine@reader.example" in letters(server)
    assert all(mail["Bcc"] is None for mail in letters(server).values())


def test_it_composes_a_batch_with_a_fixed_number_of_queries(
    server: SmtpServer, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(25):
        subscribe("reinforcement learning", f"labels AND {'learning' if number % 2 else 'half'}")
    store(RL, FOLDING, *[f"Reinforcement learning, part {n}" for n in range(20)])
    day_before_sending()
    with django_assert_max_num_queries(85 + 25):  # one a letter: is it still wanted?
        assert day().sent == 25


def test_it_asks_as_many_questions_for_more_letters_of_a_batch(server: SmtpServer) -> None:
    """Claim, compose, record: few statements for a batch; and of letters, may they still go?"""
    store(RL, FOLDING)
    counts, asked = [], []
    for number in (4, 29):
        for _ in range(number):
            subscribe("reinforcement learning")
        day_before_sending()
        with CaptureQueriesContext(connection) as queries:
            assert day().sent == number
        standing = sum("a(id, email, hash)" in query["sql"] for query in queries)
        counts.append(len(queries) - standing)
        asked.append(standing)
    assert counts[1] <= counts[0]
    assert asked[1] <= 29 + 2  # several at once where the relay keeps several waiting


def test_it_covers_three_days_in_one_letter(server: SmtpServer) -> None:
    subscribe()
    for back in (2, 1, 0):
        store(f"{RL}, part {back}", listed_on=DAY - timedelta(days=back))
    Subscriber.objects.update(covered_until=DAY - timedelta(days=3))
    for back in (2, 1):
        then = MORNING - timedelta(days=back)
        Paper.objects.filter(title__endswith=str(back)).update(stored_at=then)
    report = day()
    assert (report.planned, report.sent) == (1, 1)
    (mail,) = letters(server).values()
    assert "3 papers announced in 3 days" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_the_command_prints_the_counts_as_json(server: SmtpServer) -> None:
    out = StringIO()
    call_command("run_day", "--json", stdout=out)
    counts = json.loads(out.getvalue())
    assert {"papers", "planned", "sent", "empty", "deferred", "failed", "in_doubt", "seconds"} <= (
        counts.keys()
    )


def test_the_command_refuses_what_is_no_date() -> None:
    with pytest.raises(CommandError, match="YYYY-MM-DD"):
        call_command("run_day", "--date", "yesterday")


def test_it_fills_round_robin_and_says_what_did_not_fit(server: SmtpServer) -> None:
    reader = subscribe("reinforcement learning", "protein folding", papers_per_letter=3)
    store(*[f"Reinforcement learning, part {n}" for n in range(9)], FOLDING)
    day()
    delivery = Delivery.objects.get(subscriber=reader)
    titles = Paper.objects.filter(pk__in=[pick[0] for pick in delivery.picks])
    assert titles.filter(title=FOLDING).exists()
    assert len(delivery.picks) == 3
    text = server.accepted[0].data.decode().replace("=\r\n", "")
    assert "7 more matched" in text


def test_it_mails_nothing_to_a_reader_without_interests(server: SmtpServer) -> None:
    reader = subscribe()
    Subscriber.objects.get(pk=reader).interests.all().delete()
    store(RL)
    assert (day().sent, states()) == (0, {"empty": 1})
    assert server.accepted == []


def test_the_subject_names_the_best_paper(server: SmtpServer) -> None:
    subscribe("protein folding", "reinforcement learning")
    store(FOLDING, upvotes=0)
    store(f"{RL}, a reinforcement learning study", upvotes=120)
    day()
    (mail,) = letters(server).values()
    assert mail["Subject"] == f"Fri 20 Nov: {RL}, a reinforcement learning study, and 1 more"


def test_a_reader_who_returns_gets_no_day_twice(server: SmtpServer) -> None:
    reader = subscribe(email="back@reader.example")
    store(RL)
    assert day().sent == 1
    unsubscribe(reader, "test", MORNING)
    subscribe(email="back@reader.example", returning=True)
    tomorrow = MORNING + timedelta(days=1, hours=2)
    store(FOLDING, listed_on=DAY + timedelta(days=1))
    assert run_day(None, tomorrow, everyone=True).empty == 1
    assert len(server.accepted) == 1
