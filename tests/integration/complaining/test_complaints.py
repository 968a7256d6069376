"""A reader calls a letter spam: they are mailed no more, and the edition is judged."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from newsletter.complaints import record_complaint, take_report
from newsletter.controls import open_gate, resume_sending
from newsletter.days import drain_deliveries, prepare_edition
from newsletter.deliveries import claim_first_deliveries
from newsletter.erasure import erase_reader
from newsletter.links import MANAGE, UNSUBSCRIBE, make_token
from newsletter.models import Delivery, Edition, EditionTally, Notice
from newsletter.planning import plan_deliveries
from newsletter.progress import read_progress
from subscribers.models import ConsentEvent, Subscriber, Suppression
from subscribers.services import hash_address, unsubscribe
from subscribers.suppressions import is_refused, suppress_address
from tests.factories import DAY, MORNING, RL, store
from tests.integration.admin.makers import make_deliveries, make_edition, make_readers
from tests.integration.planned import plan, states
from tests.reports import READER, write_letter, write_report
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
NOW = timezone.now()
NEXT = DAY + timedelta(days=1)


def send(*locals_: str) -> list[Delivery]:
    """Letters sent to a real relay, oldest first."""
    plan(*locals_)
    drain_deliveries()
    return list(Delivery.objects.filter(state="sent").order_by("pk"))


def standing(delivery: Delivery) -> tuple[bool, str, bool]:
    """Complained of, the reader's status, the address suppressed."""
    row = Delivery.objects.select_related("subscriber").get(pk=delivery.pk)
    suppressed = Suppression.objects.filter(address_hash=hash_address(row.subscriber.email))
    return row.complained_at is not None, row.subscriber.status, suppressed.exists()


UNTOUCHED = (False, "confirmed", False)
TAKEN = (True, "unsubscribed", True)


def test_it_unsubscribes_suppresses_and_marks_the_letter(server: SmtpServer) -> None:
    letter, other = send("ok1", "ok2")
    recorded = record_complaint(letter.pk, NOW, "a test")
    assert recorded is not None
    assert (recorded.new, recorded.paused) == (True, "")
    assert (standing(letter), standing(other)) == (TAKEN, UNTOUCHED)
    event = ConsentEvent.objects.get()
    assert (event.kind, event.source) == ("unsubscribed", "complaint, a test")
    assert Suppression.objects.get().reason == "complaint"
    assert not Notice.objects.exists()  # no way back is mailed to who called us spam


def test_a_second_report_of_the_letter_changes_nothing(server: SmtpServer) -> None:
    (letter,) = send("ok1")
    record_complaint(letter.pk, NOW, "a test")
    Suppression.objects.all().delete()  # by the operator, at the reader's word
    Subscriber.objects.update(status="confirmed")
    recorded = record_complaint(letter.pk, NOW + timedelta(days=1), "a replay")
    assert recorded is not None
    assert not recorded.new
    assert standing(letter) == (True, "confirmed", False)
    assert Delivery.objects.get().complained_at == NOW
    assert ConsentEvent.objects.count() == 1


def test_it_takes_the_complaint_of_who_left_before(server: SmtpServer) -> None:
    (letter,) = send("ok1")
    unsubscribe(letter.subscriber_id, "a page", NOW)
    record_complaint(letter.pk, NOW, "a test")
    assert standing(letter) == TAKEN
    assert ConsentEvent.objects.get().source == "a page"


@pytest.mark.parametrize(
    ("before", "after"),
    [("erased", "complaint"), ("unsubscribed", "complaint"), ("blocked", "blocked")],
)
def test_a_complaint_weighs_more_than_having_left(
    server: SmtpServer, before: str, after: str
) -> None:
    (letter,) = send("ok1")
    suppress_address("ok1@reader.example", before)
    record_complaint(letter.pk, NOW, "a test")
    assert Suppression.objects.get().reason == after
    assert is_refused("ok1@reader.example")


def test_a_waiting_letter_is_cancelled_as_for_who_leaves(server: SmtpServer) -> None:
    letter, _ = send("ok1", "ok2")
    store(f"{RL} again", listed_on=NEXT)
    later = MORNING + timedelta(days=1, hours=2)
    prepare_edition(NEXT, later)
    assert plan_deliveries(later) == 2
    record_complaint(letter.pk, NOW, "a test")
    drain_deliveries()
    assert states() == {"sent": 3, "cancelled": 1}
    cancelled = Delivery.objects.get(state="cancelled")
    assert (cancelled.subscriber_id, cancelled.edition.date) == (letter.subscriber_id, NEXT)


def test_the_canary_stops_an_edition_at_one_complaint(server: SmtpServer) -> None:
    edition = plan(*(f"ok-{n}" for n in range(240)))
    open_gate()
    claimed = claim_first_deliveries("worker", 3, edition, 20)
    Delivery.objects.filter(pk=claimed[0].id).update(
        state="sent", code=250, finished_at=NOW, message_id="<a@b>", owner="", lease_until=None
    )
    recorded = record_complaint(claimed[0].id, NOW, "a test")
    assert recorded is not None
    assert recorded.paused == "1 of the first 3 readers complained"
    assert Edition.objects.get().pause_reason == recorded.paused
    assert open_gate().blocked == (edition,)


def make_going(sent: int, readers: int = 0) -> tuple[Edition, list[Delivery]]:
    """An edition going out, its first letters judged good: so many are sent, one waits."""
    edition = make_edition()
    Edition.objects.update(cleared_at=NOW - timedelta(hours=1), canary_size=0)
    rows = make_readers(sent + 1)
    letters = make_deliveries(edition, rows[:sent], "sent")
    make_deliveries(edition, rows[sent:], "queued")
    return edition, letters


def complain(letters: list[Delivery], at: float = 0) -> list[str]:
    found = [record_complaint(one.pk, NOW + timedelta(seconds=at), "a test") for one in letters]
    return [recorded.paused for recorded in found if recorded]


def test_it_pauses_an_edition_at_the_limit_and_not_before() -> None:
    edition, letters = make_going(1501)
    assert complain(letters[:3]) == ["", "", ""]  # 0.1999 percent
    why = "4 of 1501 readers complained: PAPER_ROUND_COMPLAINT_LIMIT=0.2 percent"
    assert complain(letters[3:4]) == [why]
    edition.refresh_from_db()
    assert (edition.pause_reason, open_gate().blocked) == (why, (edition.pk,))


def test_the_status_tells_how_many_complained() -> None:
    _, letters = make_going(10)
    complain(letters[:2])
    out = StringIO()
    call_command("status", stdout=out)
    assert "2 called spam by their readers" in out.getvalue()
    assert read_progress().editions[0].complained == 2


def test_few_complaints_pause_no_small_edition(settings: Settings) -> None:
    _, letters = make_going(10)
    assert complain(letters[:2]) == ["", ""]
    assert complain(letters[2:3])[0].startswith("3 of 10 readers complained")
    assert complain(letters[3:4]) == [""]  # paused it is, for the first reason
    assert Edition.objects.get().pause_reason.startswith("3 of 10")


def test_a_resumed_edition_pauses_again_when_as_many_complain_anew() -> None:
    edition, letters = make_going(10)
    complain(letters[:3], at=-60)
    assert resume_sending(edition.date)
    later = (timezone.now() - NOW).total_seconds() + 60
    assert complain(letters[3:5], at=later) == ["", ""]
    assert complain(letters[5:6], at=later)[0].startswith("6 of 10 readers complained")


def test_those_erased_since_count_too() -> None:
    edition, letters = make_going(1501)
    complain(letters[:3])
    erase_reader(letters[0].subscriber_id, NOW, tell=False)
    assert EditionTally.objects.get().complained == 1
    assert complain(letters[3:4])[0].startswith("4 of 1501 readers complained")
    edition.refresh_from_db()
    assert edition.paused_at is not None


@pytest.mark.parametrize("field", ["closed_at", "cancelled_at", "paused_at"])
def test_it_pauses_nothing_that_goes_out_no_more(field: str) -> None:
    edition, letters = make_going(5)
    Edition.objects.update(**{field: NOW})
    assert complain(letters[:4]) == [""] * 4
    edition.refresh_from_db()
    assert edition.pause_reason == ""


def test_a_limit_of_nothing_pauses_nothing(settings: Settings) -> None:
    settings.COMPLAINT_LIMIT = 0
    _, letters = make_going(5)
    assert complain(letters) == [""] * 5


@pytest.mark.django_db(transaction=True)
def test_complaints_at_once_are_counted_together() -> None:
    _, letters = make_going(12)
    found: list[str] = []
    start = threading.Barrier(6)

    def run(own: list[Delivery]) -> None:
        try:
            start.wait(10)
            found.extend(complain(own))
        finally:
            connection.close()

    chosen = [letters[:2], letters[1:3], letters[2:3], letters[:1], letters[:3], letters[1:2]]
    threads = [threading.Thread(target=run, args=(own,)) for own in chosen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 10
    assert [why for why in found if why] == [Edition.objects.get().pause_reason]
    assert ConsentEvent.objects.count() == 3


def report_of(server: SmtpServer, local: str) -> bytes:
    """A provider's report of the letter that a reader's mail server took."""
    (mail,) = [one for one in server.accepted if one.recipient.startswith(f"{local}@")]
    return write_report(mail.data.decode())


def test_it_finds_the_letter_as_it_went_out_by_its_message_id(server: SmtpServer) -> None:
    letter, other = send("ok1", "ok2")
    intake = take_report(report_of(server, "ok1"), NOW)
    assert intake.text == (
        f"delivery {letter.pk} of the edition of 2026-11-20: complaint recorded, its reader is "
        "mailed no more"
    )
    assert (standing(letter), standing(other)) == (TAKEN, UNTOUCHED)
    assert take_report(report_of(server, "ok1"), NOW).text.endswith("nothing is changed")
    assert ConsentEvent.objects.get().source == "complaint, a feedback report (abuse)"


def test_it_finds_the_letter_by_its_signed_link_where_a_relay_renamed_it(
    server: SmtpServer,
) -> None:
    letter, other = send("ok1", "ok2")
    token = make_token(UNSUBSCRIBE, letter.subscriber_id)
    renamed = write_letter("<of-the@relay.example>", to="[redacted]", token=token)
    assert take_report(write_report(renamed), NOW).settled
    assert (standing(letter), standing(other)) == (TAKEN, UNTOUCHED)


@pytest.mark.parametrize(
    ("fields", "more", "day"),
    [
        ("Arrival-Date: Fri, 20 Nov 2026 07:30:00 +0100\r\n", "", DAY),
        ("Arrival-Date: Fri, 20 Nov 2026 06:25:00 +0000\r\n", "", DAY),  # its clock is behind
        ("", "Date: Fri, 20 Nov 2026 06:30:00 +0000\r\n", DAY),
        ("Arrival-Date: Sat, 21 Nov 2026 09:00:00 +0000\r\n", "", NEXT),
        ("Arrival-Date: once\r\n", "", NEXT),
    ],
)
def test_the_link_means_the_last_letter_before_the_report_says_it_came(
    fields: str, more: str, day: date
) -> None:
    [reader] = make_readers(1)
    for number, edition in enumerate([make_edition(DAY), make_edition(NEXT)]):
        at = MORNING + timedelta(days=number, seconds=0.5)
        make_deliveries(edition, [reader], "sent", planned_at=at, finished_at=at)
    letter = write_letter("", token=make_token(UNSUBSCRIBE, reader.pk), more=more)
    assert take_report(write_report(letter, fields=fields), NOW).settled
    assert Delivery.objects.get(complained_at__isnull=False).edition.date == day
    assert take_report(write_report(letter, fields=fields), NOW).text.endswith("is changed")


def test_a_letter_no_longer_in_the_ledger_still_ends_the_readers_letters() -> None:
    [reader] = make_readers(1)
    letter = write_letter(token=make_token(UNSUBSCRIBE, reader.pk))
    intake = take_report(write_report(letter), NOW)
    assert (intake.settled, "not in the ledger any more" in intake.text) == (True, True)
    reader.refresh_from_db()
    assert (reader.status, Suppression.objects.get().reason) == ("unsubscribed", "complaint")


def test_a_reader_erased_before_the_report_came_is_no_error(server: SmtpServer) -> None:
    (letter,) = send("ok1")
    report = report_of(server, "ok1")
    erase_reader(letter.subscriber_id, NOW, tell=False)
    intake = take_report(report, NOW)
    assert (intake.settled, "was erased: nothing to do" in intake.text) == (True, True)
    assert Suppression.objects.get().reason == "erased"


def test_who_complained_and_is_erased_is_mailed_no_confirmation_either(server: SmtpServer) -> None:
    (letter,) = send("ok1")
    take_report(report_of(server, "ok1"), NOW)
    erase_reader(letter.subscriber_id, NOW, tell=False)
    assert Suppression.objects.get().reason == "complaint"
    assert is_refused("ok1@reader.example")


def forge(letter: Delivery) -> list[bytes]:
    """What somebody writes who knows the reader's address and number, and no letter of theirs."""
    manage = make_token(MANAGE, letter.subscriber_id)
    own = make_token(UNSUBSCRIBE, letter.subscriber_id)
    own = own.replace(own[10], "x" if own[10] != "x" else "y")
    address = f"Original-Rcpt-To: {READER}\r\n"
    return [
        write_report(write_letter(f"<{'0' * 20}.d@localhost.localdomain>"), fields=address),
        write_report(write_letter(letter.message_id.upper()), fields=address),
        write_report(write_letter("", token=manage), fields=address),
        write_report(write_letter("", token=own), fields=address),
        write_report(write_letter("", token=own[:4] + "A" * 24 + own[28:]), fields=address),
        write_report(write_letter("", to=READER), fields=address),
        write_report("", fields=f"{address}Original-Envelope-Id: {letter.pk}\r\n"),
        write_report("Subject: it is theirs\r\n\r\n" + write_letter(letter.message_id)),
    ]


def test_a_forged_report_changes_nothing(server: SmtpServer) -> None:
    (letter,) = send("ada")
    for number, report in enumerate(forge(letter)):
        intake = take_report(report, NOW)
        assert not intake.settled, number
        assert intake.text.startswith("not matched, nothing is changed: "), number
        assert "@" not in intake.text
    assert standing(letter) == UNTOUCHED
    assert not ConsentEvent.objects.exists()


def test_an_address_is_believed_by_the_operators_word_alone(server: SmtpServer) -> None:
    letter, other = send("ada", "ok2")
    report = write_report(
        "Subject: redacted\r\n", fields=f"Original-Rcpt-To: <{READER.upper()}>\r\n"
    )
    assert "give it as a file with --trust-address" in take_report(report, NOW).text
    assert take_report(report, NOW, trust_address=True).settled
    assert (standing(letter), standing(other)) == (TAKEN, UNTOUCHED)
    unknown = write_report(write_letter("", to="nobody@reader.example, @, x@y"))
    assert not take_report(unknown, NOW, trust_address=True).settled


@pytest.mark.parametrize(
    ("kind", "settled", "text"),
    [
        ("not-spam", True, "no complaint: its Feedback-Type is not-spam"),
        ("auth-failure", True, "no complaint"),
        ("virus", False, "does not say that the reader complained"),
        ("other", False, "does not say that the reader complained"),
    ],
)
def test_other_feedback_changes_nothing(
    server: SmtpServer, kind: str, settled: bool, text: str
) -> None:
    (letter,) = send("ok1")
    intake = take_report(write_report(write_letter(letter.message_id), kind), NOW)
    assert (intake.settled, text in intake.text) == (settled, True)
    assert standing(letter) == UNTOUCHED


def test_an_opt_out_unsubscribes_without_a_complaint(server: SmtpServer) -> None:
    (letter,) = send("ok1")
    report = write_report(write_letter(letter.message_id), "opt-out")
    assert take_report(report, NOW).text == f"reader {letter.subscriber_id} unsubscribed"
    assert standing(letter) == (False, "unsubscribed", False)
    assert Notice.objects.get().kind == "unsubscribed"  # with the way back, as from the page
    assert "nothing to do" in take_report(report, NOW).text


def test_it_looks_for_a_message_id_by_its_index() -> None:
    """Among millions of letters: no scan."""
    _, letters = make_going(3000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE newsletter_delivery")
    found = Delivery.objects.filter(
        message_id__in=[letters[7].message_id], state__in=["sent", "in_doubt"]
    )
    assert "delivery_by_message_id" in found.explain()
