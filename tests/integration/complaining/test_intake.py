"""Which letter a feedback report means, what is believed of it, and what each type comes to."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection

from newsletter.complaints import take_report
from newsletter.erasure import erase_reader
from newsletter.links import MANAGE, UNSUBSCRIBE, make_token
from newsletter.models import Delivery, Notice
from subscribers.models import ConsentEvent, Suppression
from subscribers.suppressions import is_refused
from tests.factories import DAY, MORNING
from tests.integration.admin.makers import make_deliveries, make_edition, make_readers
from tests.integration.complaining.letters import NOW, TAKEN, UNTOUCHED, make_going, send, standing
from tests.reports import READER, write_letter, write_report
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
NEXT = DAY + timedelta(days=1)


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
