"""What a reply means, by phase, code and enhanced code."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from newsletter.mail.message import Phase, Verdict
from newsletter.mail.replies import enhanced_code, judge_reply, retry_delay

CONNECT, MAIL, RCPT, DATA, BODY, DOT = Phase
SENT, SOFT, HARD, CONTENT, RELAY, OURS, IN_DOUBT = Verdict

TABLE = [
    # connecting: the relay is away, unless it refuses us
    (CONNECT, 0, "refused", RELAY),
    (CONNECT, 421, "4.3.2 going down", RELAY),
    (CONNECT, 450, "busy", RELAY),
    (CONNECT, 454, "4.7.0 temporary authentication failure", RELAY),
    (CONNECT, 502, "5.5.1 what is EHLO", RELAY),
    (CONNECT, 554, "no SMTP service here", RELAY),
    (CONNECT, 554, "5.7.1 your address is blocked", OURS),
    (CONNECT, 530, "5.7.0 must issue a STARTTLS command first", OURS),
    (CONNECT, 534, "5.7.9 mechanism is too weak", OURS),
    (CONNECT, 535, "authentication failed", OURS),
    (CONNECT, 538, "5.7.11 encryption required", OURS),
    # MAIL: no reader is named, so no reader is at fault
    (MAIL, 0, "lost", RELAY),
    (MAIL, 421, "closing", RELAY),
    (MAIL, 451, "4.3.0 later", SOFT),
    (MAIL, 452, "4.3.1 no room", SOFT),
    (MAIL, 503, "5.5.1 out of order", OURS),
    (MAIL, 530, "5.7.0 authentication required", OURS),
    (MAIL, 550, "sender refused", OURS),
    (MAIL, 550, "5.1.1 no such user", OURS),
    (MAIL, 550, "5.1.8 bad sender", OURS),
    (MAIL, 552, "too big", CONTENT),
    (MAIL, 552, "5.3.4 too big", CONTENT),
    (MAIL, 552, "5.2.2 your quota", OURS),
    (MAIL, 250, "out of step", RELAY),
    # RCPT: the reader's address
    (RCPT, 0, "lost", RELAY),
    (RCPT, 354, "out of step", RELAY),
    (RCPT, 421, "4.7.0 too fast", RELAY),
    (RCPT, 450, "4.2.0 greylisted", SOFT),
    (RCPT, 450, "5.1.1 the code is a 4yz", SOFT),
    (RCPT, 451, "later", SOFT),
    (RCPT, 550, "5.1.1 no such user", HARD),
    (RCPT, 550, "5.1.10 null MX", HARD),
    (RCPT, 501, "5.1.3 bad address", HARD),
    (RCPT, 550, "no such user", HARD),
    (RCPT, 551, "user not local", HARD),
    (RCPT, 553, "mailbox name not allowed", HARD),
    (RCPT, 550, "5.2.1 mailbox disabled", HARD),
    (RCPT, 550, "5.5.0 mailbox unavailable", HARD),
    (RCPT, 550, "5.0.0 user unknown", HARD),
    (RCPT, 550, "5.4.1 recipient address rejected: access denied", HARD),
    (RCPT, 550, "unknown user at relay.example.com", HARD),
    (RCPT, 550, "5.1.7 bad sender", OURS),
    (RCPT, 550, "5.7.1 policy", OURS),
    (RCPT, 550, "5.7.515 access denied, not authenticated", OURS),
    (RCPT, 530, "log in", OURS),
    (RCPT, 535, "log in", OURS),
    (RCPT, 550, "relay not permitted", OURS),
    (RCPT, 550, "Relaying denied", OURS),
    (RCPT, 550, "SPF check failed", OURS),
    (RCPT, 553, "sorry, that domain is not in my list (#5.7.1)", OURS),
    (RCPT, 552, "5.2.2 mailbox full", SOFT),
    (RCPT, 552, "mailbox full", SOFT),
    (RCPT, 550, "5.4.4 unable to route", SOFT),
    (RCPT, 550, "4.2.1 a contradiction", SOFT),
    (RCPT, 554, "transaction failed", SOFT),
    (RCPT, 503, "5.5.1 bad sequence", SOFT),
    (RCPT, 552, "5.2.3 longer than this mailbox takes", CONTENT),
    # DATA, and a refusal while the body is on its way
    (DATA, 0, "lost", RELAY),
    (DATA, 250, "out of step", RELAY),
    (DATA, 421, "closing", RELAY),
    (DATA, 451, "later", SOFT),
    (DATA, 554, "no valid recipients", CONTENT),
    (DATA, 550, "5.7.1 policy", OURS),
    (BODY, 0, "lost", RELAY),
    (BODY, 552, "too big", CONTENT),
    # after the final dot
    (DOT, 250, "2.0.0 queued", SENT),
    (DOT, 251, "forwarded", SENT),
    (DOT, 0, "lost", IN_DOUBT),
    (DOT, 354, "out of step", IN_DOUBT),
    (DOT, 421, "closing", RELAY),
    (DOT, 451, "4.3.0 queue full", SOFT),
    (DOT, 552, "too big", CONTENT),
    (DOT, 554, "spam", CONTENT),
    (DOT, 550, "rejected", CONTENT),
    (DOT, 554, "5.6.0 bad content", CONTENT),
    (DOT, 552, "5.2.2 mailbox full", SOFT),
    (DOT, 550, "5.1.1 no such user", HARD),
    (DOT, 550, "5.7.515 access denied", OURS),
    (DOT, 550, "5.7.26 unauthenticated sender", OURS),
    (DOT, 550, "DMARC check failed", OURS),
]


@pytest.mark.parametrize(("phase", "code", "text", "verdict"), TABLE)
def test_it_judges_a_reply(phase: Phase, code: int, text: str, verdict: Verdict) -> None:
    assert judge_reply(phase, code, text) is verdict


@pytest.mark.parametrize("text", ["", "5.1.1 x", "5.7.1 x", "4.2.2 x"])
def test_it_calls_sent_only_a_2xx_after_the_dot(text: str) -> None:
    for phase, code in itertools.product(Phase, [*range(-1, 700), 999]):
        verdict = judge_reply(phase, code, text)
        assert (verdict is SENT) == (phase is DOT and 200 <= code < 300)
        assert verdict is not IN_DOUBT or phase is DOT
        assert verdict is not HARD or phase not in {CONNECT, MAIL}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5.1.1 no such user", (5, 1, 1)),
        ("no such user\n5.1.1 at all", (5, 1, 1)),
        ("sorry (#5.7.1)", (5, 7, 1)),
        ("5.7.515", (5, 7, 515)),
        ("host 5.1.1.4 is blocked", None),
        ("5.1.1.4 is blocked", None),
        ("Exim 4.96.2 says no", None),
        ("", None),
    ],
)
def test_it_finds_the_enhanced_code(text: str, code: tuple[int, int, int] | None) -> None:
    assert enhanced_code(text) == code


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 5), (2, 15), (3, 60), (4, 180), (5, 360), (6, None), (60, None)]
)
def test_it_waits_longer_each_time(attempts: int, minutes: int | None) -> None:
    assert retry_delay(attempts, 0) == (None if minutes is None else timedelta(minutes=minutes))


def test_it_spreads_retries_by_a_fifth() -> None:
    assert retry_delay(1, -1) == timedelta(minutes=4)
    assert retry_delay(1, 1) == timedelta(minutes=6)


@pytest.mark.parametrize(("attempts", "jitter"), [(0, 0.0), (1, 1.1), (1, -2.0)])
def test_it_refuses_a_senseless_question(attempts: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="attempts="):
        retry_delay(attempts, jitter)
