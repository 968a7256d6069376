"""Relays: away, back, several of them; throttled; refusing for now."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from newsletter.alerts import tell_operators
from newsletter.circuits import (
    FULL_SPEED,
    LONGEST_PAUSE,
    Result,
    apply_result,
    choose_relay,
    record_result,
)
from newsletter.days import drain_deliveries, prepare_edition
from newsletter.mail.relay import Relay, parse_relays
from newsletter.models import Bucket, Circuit, Delivery, DomainReply, Tally
from newsletter.planning import plan_edition
from newsletter.throttle import Limit, give_back, grant, take, take_together
from subscribers.models import Subscriber
from tests.factories import DAY, MORNING, RL, store, subscribe
from tests.smtp import SmtpServer, closed_port

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
AWAY = Result(away=True, code=0, detail="refused")
GOOD = Result(answered=10)
SECOND = timedelta(seconds=1)


def plan(*locals_: str) -> None:
    """A letter planned for each local part."""
    for local in locals_:
        subscribe(email=f"{local}@reader.example")
    store(RL)
    edition, _ = prepare_edition(DAY, MORNING)
    plan_edition(edition, MORNING, everyone=True)


def states() -> dict[str, int]:
    return dict(Counter(Delivery.objects.values_list("state", flat=True)))


def walk(circuit: Circuit, *results: Result, mostly_soft: bool = False) -> Circuit:
    for result in results:
        apply_result(circuit, result, NOW, mostly_soft=mostly_soft)
    return circuit


def test_five_failures_in_a_row_open_a_circuit() -> None:
    circuit = walk(Circuit(relay="r"), AWAY, AWAY, AWAY, AWAY)
    assert circuit.state == "closed"
    assert walk(circuit, AWAY).state == "open"
    assert walk(Circuit(relay="r"), AWAY, AWAY, AWAY, AWAY, GOOD, AWAY).state == "closed"


def test_a_wrong_password_opens_it_at_once() -> None:
    refused = Result(away=True, refused_us=True, code=535, detail="5.7.8 no")
    assert walk(Circuit(relay="r"), refused).state == "open"


def test_mostly_refused_for_now_opens_it() -> None:
    assert walk(Circuit(relay="r"), Result(answered=30, soft=20), mostly_soft=True).state == "open"


def test_probes_come_later_each_time_up_to_a_minute() -> None:
    circuit = walk(Circuit(relay="r"), *[AWAY] * 5)
    pauses = []
    for _ in range(6):
        pauses.append(circuit.pause)
        walk(circuit, AWAY)
    assert pauses == [5, 10, 20, 40, 60, LONGEST_PAUSE]
    assert circuit.probe_at == NOW + timedelta(seconds=60)


def test_it_ramps_up_and_closes() -> None:
    circuit = walk(Circuit(relay="r"), *[AWAY] * 5)
    ramps = []
    while circuit.opened_at:
        walk(circuit, Result(answered=1))
        ramps.append(circuit.ramp)
    assert ramps == [2, 4, 8, 16, 32, FULL_SPEED, 0]
    assert (circuit.state, circuit.probe_at) == ("closed", None)


def test_a_failure_on_the_way_up_opens_it_again() -> None:
    circuit = walk(Circuit(relay="r"), *[AWAY] * 5, GOOD, GOOD)
    assert circuit.state == "half open"
    assert walk(circuit, AWAY).state == "open"


def test_one_worker_of_all_gets_the_probe() -> None:
    relays = parse_relays("smtp://127.0.0.1:2525", 5)
    for _ in range(5):
        record_result(relays[0].name, AWAY)
    assert choose_relay(relays, 100, frozenset()).relay is None
    Circuit.objects.update(probe_at=NOW - timedelta(days=9999))
    first, second = (choose_relay(relays, 100, frozenset()) for _ in range(2))
    assert (first.relay, first.limit) == (relays[0], 1)
    assert second.relay is None
    assert "refused" in second.why


def test_f17_a_relay_that_is_away_burns_no_attempt(settings: Settings) -> None:
    plan(*(f"ok{n}" for n in range(10)))
    with closed_port() as port:
        settings.EMAIL_URL = f"smtp://127.0.0.1:{port}"
        for _ in range(8):
            drain_deliveries()
    assert Circuit.objects.get().state == "open"
    assert states() == {"queued": 10}
    assert set(Delivery.objects.values_list("attempts", "setbacks")) == {(0, 0)}


def test_f17_when_it_is_back_everything_goes_out(settings: Settings) -> None:
    plan(*(f"ok{n}" for n in range(10)))
    with SmtpServer() as gone:
        port = gone.port
    settings.EMAIL_URL = f"smtp://127.0.0.1:{port}"
    for _ in range(6):
        drain_deliveries()
    Circuit.objects.update(probe_at=NOW - timedelta(days=9999))
    with SmtpServer(port=port) as back:
        assert drain_deliveries().states == {"sent": 10}
        assert back.connections <= 4


def test_a_probe_whose_letter_never_met_the_relay_is_no_failure(
    server: SmtpServer, settings: Settings
) -> None:
    plan("gone1", "gone2", "ok")
    relay = parse_relays(server.url, 5)[0]
    for _ in range(5):
        record_result(relay.name, AWAY)
    Circuit.objects.update(probe_at=NOW - timedelta(days=9999))
    Subscriber.objects.filter(email__startswith="gone").update(status="unsubscribed")
    assert drain_deliveries().states == {"cancelled": 2, "sent": 1}
    assert Circuit.objects.get().state == "half open"


def test_f18_a_relay_that_swallows_everything_costs_one_timeout(
    server: SmtpServer, settings: Settings
) -> None:
    settings.EMAIL_TIMEOUT = 0.3
    server.banner_delay = 60
    plan("ok1", "ok2")
    drained = drain_deliveries()
    assert "no reply within" in drained.why
    assert states() == {"queued": 2}


def test_a_relay_that_never_answers_the_dot_puts_two_letters_in_doubt_not_all(
    server: SmtpServer, settings: Settings
) -> None:
    settings.EMAIL_TIMEOUT = 0.3
    plan(*(f"hang-{n}" for n in range(8)))
    settings.BATCH = 100
    drain_deliveries()
    assert states()["in_doubt"] <= 2 * 5  # two for each batch, until the circuit opens


def test_it_fails_over_to_another_relay(server: SmtpServer, settings: Settings) -> None:
    plan(*(f"ok{n}" for n in range(6)))
    with closed_port() as port:
        settings.EMAIL_URL = f"smtp://127.0.0.1:{port} {server.url}?weight=0"
        drained = drain_deliveries()
    assert (drained.why, states()) == ("", {"sent": 6})


def test_a_spare_gets_nothing_while_the_first_takes_mail(
    server: SmtpServer, settings: Settings
) -> None:
    plan(*(f"ok{n}" for n in range(6)))
    with SmtpServer() as spare:
        settings.EMAIL_URL = f"{server.url} {spare.url}?weight=0"
        drain_deliveries()
        assert (len(server.accepted), len(spare.accepted)) == (6, 0)


def test_single_mails_go_to_a_relay_that_takes_them(server: SmtpServer, settings: Settings) -> None:
    with closed_port() as port:
        settings.EMAIL_URL = f"smtp://127.0.0.1:{port} {server.url}?weight=0"
        settings.ALERTS_TO = ["operator@example.org"]
        assert not tell_operators("a test", ["the first is away, and nobody knows it yet"])
        for _ in range(5):
            record_result(f"127.0.0.1:{port}", AWAY)
        assert tell_operators("a test", ["now it is known"])
    assert server.recipients() == ["operator@example.org"]


def test_each_relay_gets_its_share() -> None:
    relays = parse_relays("smtp://127.0.0.1:1?weight=3 smtp://127.0.0.1:2", 5)
    chosen = Counter(choose_relay(relays, 1, frozenset()).relay for _ in range(400))
    assert 2 < chosen[relays[0]] / chosen[relays[1]] < 4.5


@pytest.mark.parametrize(
    ("urls", "mend"),
    [
        ("", "is empty"),
        ("smtp://a.example smtp://a.example:25", "names a.example:25 twice"),
        ("smtp://a.example?weight=-1", "weight='-1'"),
        ("smtp://a.example?rate=fast", "rate='fast'"),
    ],
)
def test_it_refuses_relays_and_says_the_mend(urls: str, mend: str) -> None:
    with pytest.raises(ValueError, match=mend):
        parse_relays(urls, 5)


def test_a_relay_elsewhere_gets_ten_letters_a_second_unless_said() -> None:
    far, near, told = parse_relays("smtp://a.example smtp://localhost smtp://b.example?rate=0", 5)
    assert (far.pace, near.pace, told.pace) == (10, 0, 0)


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 50)), max_size=40))
def test_a_throttle_never_grants_more_than_its_rate(asks: list[tuple[int, int]]) -> None:
    limit, free_at, granted = Limit(10, SECOND), NOW, 0
    elapsed = timedelta(0)
    for milliseconds, want in asks:
        elapsed += timedelta(milliseconds=milliseconds)
        got, free_at = grant(limit, free_at, NOW + elapsed, want)
        granted += got.letters
        assert got.letters <= want
        assert granted <= 10 + elapsed.total_seconds() * 10 + 1e-6


def test_a_throttle_is_shared_and_takes_back() -> None:
    limits: dict[str, Limit] = {"a": Limit(10, SECOND), "b": Limit(3600, timedelta(hours=1))}
    assert take_together(limits, 50).letters == 10
    assert take_together(limits, 50).letters <= 1
    give_back({"a": (limits["a"], 10), "b": (limits["b"], 10)})
    assert take_together(limits, 50).letters == 10


def test_a_throttle_set_by_a_wrong_clock_heals() -> None:
    limit = Limit(10, SECOND)
    take({"a": (limit, 1)})
    Bucket.objects.update(free_at=NOW + timedelta(days=9999))
    assert take({"a": (limit, 1)})["a"].wait <= 1


def test_it_keeps_to_the_relays_rate(server: SmtpServer, settings: Settings) -> None:
    settings.EMAIL_URL = f"{server.url}?rate=5"
    plan(*(f"ok{n}" for n in range(15)))
    assert drain_deliveries().states["sent"] == 15
    times = sorted(mail.at for mail in server.accepted)
    assert times[-1] - times[0] > 1.0  # five at once, ten more at five a second


def test_it_counts_what_relays_and_domains_answered(server: SmtpServer) -> None:
    plan("ok1", "ok2", "h550", "t451", "d552")
    drain_deliveries()
    tally = Tally.objects.get()
    assert (tally.sent, tally.soft, tally.refused, tally.doubtful) == (2, 1, 2, 0)
    reply = DomainReply.objects.get(domain="reader.example")
    assert (reply.sent, reply.soft, reply.refused) == (2, 1, 2)
    assert reply.trouble_at is not None


def test_the_database_keeps_no_address_of_a_reply() -> None:
    from newsletter.mail.message import Outcome, Verdict
    from newsletter.tallies import record_tallies

    text = "5.1.1 <ada@reader.example>: user unknown"
    record_tallies("r:25", [(Outcome(1, Verdict.HARD, 550, text), "reader.example")])
    assert DomainReply.objects.get().trouble == "5.1.1 <…>: user unknown"


def test_the_schedule_of_retries_is_the_operators(server: SmtpServer, settings: Settings) -> None:
    settings.RETRIES = (timedelta(hours=2),)
    plan("t451")
    drain_deliveries()
    letter: Any = Delivery.objects.get()
    assert letter.state == "deferred"
    wait = letter.next_at - datetime.now(UTC)
    assert timedelta(hours=1.5) < wait < timedelta(hours=2.5)
    Delivery.objects.update(next_at=NOW - timedelta(days=9999))
    drain_deliveries()
    assert Delivery.objects.get().state == "failed"


def test_the_parts_of_a_relay_are_its_name() -> None:
    relay = Relay("a.example", 25, "", "", "none", 5.0)
    assert relay.name == "a.example:25"
