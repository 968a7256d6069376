"""What a feedback report says, in the shapes providers send, broken and hostile ones too."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.reports import LARGEST, Report, ReportError, Wish, parse_report
from tests.reports import OURS, READER, write_jmrp, write_letter, write_report

TOKEN = "abcd" + "x" * 24 + "MTI"
BOUNCE = (
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\nStatus: 5.1.1\r\n--b--\r\n"
)


def test_it_reads_a_report_with_fields_and_the_whole_letter() -> None:
    """As Yahoo's: everything is said."""
    fields = (
        f"Original-Mail-From: <papers@site.example>\r\nOriginal-Rcpt-To: {READER}\r\n"
        "Arrival-Date: Fri, 20 Nov 2026 08:01:02 +0000\r\nReported-Domain: site.example\r\n"
    )
    assert parse_report(write_report(write_letter(token=TOKEN), fields=fields)) == Report(
        "abuse", (OURS,), (TOKEN,), (READER,), datetime(2026, 11, 20, 8, 1, 2, tzinfo=UTC)
    )


def test_it_finds_the_message_id_in_headers_alone() -> None:
    letter = write_letter().partition("\r\n\r\n")[0]
    found = parse_report(write_report(letter, enclosed="text/rfc822-headers"))
    assert found.message_ids == (OURS,)


def test_it_reads_microsofts_form_without_fields() -> None:
    found = parse_report(write_jmrp(write_letter(to="")))
    assert (found.kind, found.message_ids, found.recipients) == ("abuse", (OURS,), (READER,))


def test_it_reads_a_report_whose_addresses_are_redacted() -> None:
    """As AOL's: the letter is there, its reader is not."""
    letter = write_letter(to="[redacted]", token=TOKEN)
    found = parse_report(write_report(letter, fields="Redacted-Address: redacted\r\n"))
    assert (found.message_ids, found.tokens, found.recipients) == ((OURS,), (TOKEN,), ())


@pytest.mark.parametrize("coding", ["base64", "BASE64 ", "quoted-printable", "7bit"])
def test_it_reads_an_enclosed_letter_that_is_encoded(coding: str) -> None:
    assert parse_report(write_report(coding=coding.strip().lower())).message_ids == (OURS,)


def test_it_reads_what_a_mail_server_pipes() -> None:
    """Postfix writes an mbox line first, and a gateway may wrap it all once more."""
    piped = b"From fbl@provider.example  Fri Nov 20 08:01:02 2026\n" + write_report()
    assert parse_report(piped).message_ids == (OURS,)
    wrapped = b'Content-Type: multipart/mixed; boundary="w"\r\n\r\n--w\r\n%s\r\n--w--\r\n'
    assert parse_report(wrapped % write_report()).message_ids == (OURS,)
    assert parse_report(write_report().replace(b"\r\n", b"\n")).message_ids == (OURS,)


def test_it_joins_a_link_that_was_folded() -> None:
    folded = f"List-Unsubscribe: <mailto:x@site.example>,\r\n <https://site.example/u/\r\n {TOKEN}>"
    assert parse_report(write_report(write_letter(more=f"{folded}\r\n"))).tokens == (TOKEN,)


@pytest.mark.parametrize(
    ("kind", "wish"),
    [
        ("abuse", Wish.COMPLAINT),
        ("Fraud ", Wish.COMPLAINT),
        ("opt-out", Wish.OPT_OUT),
        ("opt-out-list", Wish.OPT_OUT),
        ("not-spam", Wish.NONE),
        ("auth-failure", Wish.NONE),
        ("virus", Wish.UNCLEAR),
        ("other", Wish.UNCLEAR),
        ("miscategorized", Wish.UNCLEAR),
        ("<b>@x\t", Wish.UNCLEAR),
    ],
)
def test_it_tells_what_a_feedback_type_says_of_the_reader(kind: str, wish: Wish) -> None:
    assert parse_report(write_report(kind=kind)).wish is wish


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "other mail"),
        (b"\x00\xff\xfe", "other mail"),
        (b"Subject: hello\r\n\r\nFeedback-Type: abuse\r\n", "other mail"),
        (b"Content-Type: multipart/report; boundary=x\r\n\r\nno part", "other mail"),
        (write_report(outer="text/plain"), "other mail"),
        (write_report(kind=None), "no Feedback-Type"),
        (write_report(fields="Feedback-Type: virus\r\n"), "several Feedback-Type"),
        (write_report().replace(b"message/feedback-report", b"text/plain"), "other mail"),
        (BOUNCE, "a delivery status"),
        (b"x" * (10 << 20), "longer than 1024 KiB"),
        (b"--out\r\n".join([write_report()] * 2), None),
    ],
)
def test_it_says_why_a_mail_is_no_report(data: bytes, why: str | None) -> None:
    if why is None:
        assert parse_report(data).kind == "abuse"
        return
    with pytest.raises(ReportError, match=why):
        parse_report(data)


def test_it_reads_a_report_cut_in_the_letter() -> None:
    whole = write_report()
    assert parse_report(whole[: whole.index(b"One paper")]).message_ids == (OURS,)
    cut = parse_report(whole[: whole.index(b"Content-Type: message/rfc822")])
    assert (cut.kind, cut.message_ids) == ("abuse", ())


def test_it_takes_from_headers_only_what_may_be_meant() -> None:
    letter = write_letter(
        "<a\x00b@c> <" + "x" * 200 + "@d> not@one <e f@g>", to='"<x@y>" <\x01@z>, =?utf-8?q?=40?='
    )
    found = parse_report(write_report(letter, fields="Arrival-Date: never\r\n"))
    assert (found.message_ids, found.tokens, found.arrived) == ((), (), None)
    many = "".join(f"Message-ID: <{n}@site.example>\r\n" for n in range(50))
    assert len(parse_report(write_report(write_letter(more=many))).message_ids) == 5


HOSTILE = {
    "a parameter without end": b'Content-Type: multipart/report; a="' + b';"' * 500_000,
    "boundaries in boundaries": b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n)
        for n in range(20_000)
    ),
    "mails in mails": b"Content-Type: message/rfc822\r\n\r\n" * 30_000,
    "parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 200_000,
    "lines": b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(10)
    )
    + b"\n" * 1_000_000,
    "headers": b"a:\n" * 340_000,
    "a header of many lines": b"Content-Type: multipart/report\n" + b" ;a=b\n" * 170_000,
    "an address without end": write_report(write_letter(to="x" * 900_000)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_survives_what_was_written_to_break_it(name: str) -> None:
    began = time.process_time()
    with contextlib.suppress(ReportError):
        parse_report(HOSTILE[name][:LARGEST])
    assert time.process_time() - began < 20  # as a rule 2 at most


@pytest.mark.parametrize("name", ["parts", "headers"])
def test_it_keeps_little_of_what_was_written_to_fill_the_memory(name: str) -> None:
    tracemalloc.start()
    with contextlib.suppress(ReportError):
        parse_report(HOSTILE[name][:LARGEST])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150 << 20


@given(st.binary(max_size=300), st.integers(0, 1200), st.integers(0, 200))
def test_it_raises_nothing_else(noise: bytes, start: int, length: int) -> None:
    whole = write_report()
    with contextlib.suppress(ReportError):
        parse_report(whole[:start] + noise + whole[start + length :])
