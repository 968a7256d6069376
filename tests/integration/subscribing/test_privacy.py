"""S2, S3, S4, S24, S26, S27, S31: what the form tells, keeps and believes."""

from __future__ import annotations

import re
import statistics
import time
from bisect import bisect
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from newsletter.web import subscribing
from newsletter.web.client import client_address
from subscribers import signups
from subscribers.confirming import forget_unconfirmed
from subscribers.grants import hash_token
from subscribers.models import ConsentEvent, Grant, Signup, Subscriber
from subscribers.services import suppress_address, unsubscribe
from tests.factories import MORNING, subscribe
from tests.integration.subscribing.forms import Visitor, link_of, links_of, mails, work
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
EVIL = "http://evil.example"


def test_its_mail_carries_no_word_of_the_form(visitor: Visitor, server: SmtpServer) -> None:
    evil = f'"{EVIL}" OR buy now'
    answer = visitor.send("a@reader.example", interests=evil, HTTP_USER_AGENT=EVIL)
    assert answer.status_code == 302
    work()
    raw = server.accepted[0].data
    for word in (b"evil", b"buy now"):
        assert word not in raw.lower()
    assert b"evil" not in mails(server)[0].as_bytes().lower()


KNOWN: dict[str, Callable[[str], object]] = {
    "new": lambda email: None,
    "pending": lambda email: Subscriber.objects.create(email=email, send_time="08:00"),
    "active": lambda email: subscribe("RL", email=email),
    "suppressed": lambda email: suppress_address(email, "hard_bounce"),
    "left": lambda email: unsubscribe(subscribe("RL", email=email), "test", MORNING),
}


def comparable(answer: Any) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Everything of an answer but its clock."""
    headers = sorted((name, value) for name, value in answer.items() if name != "Expires")
    return answer.status_code, answer.content, headers


def test_it_answers_every_address_alike(visitor: Visitor, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    found = []
    for n, (kind, make) in enumerate(KNOWN.items()):
        make(f"{kind}@reader.example")
        headers = {"HTTP_X_FORWARDED_FOR": f"10.0.{n}.1"}
        answer = visitor.send(f"{kind}@reader.example", **headers)
        landed = visitor.client.get(answer["Location"])
        found.append((comparable(answer), comparable(landed)))
    assert len(found) == 5
    assert all(answer == found[0] for answer in found)
    assert Signup.objects.count() == 5  # written down alike, before anything is looked up


def test_it_does_the_same_work_for_every_address(visitor: Visitor, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    statements = []
    for n, (kind, make) in enumerate(KNOWN.items()):
        make(f"{kind}@reader.example")
        hidden = visitor.open()
        recorder = Recorder()
        with connection.execute_wrapper(recorder):
            visitor.send(
                f"{kind}@reader.example", hidden=hidden, HTTP_X_FORWARDED_FOR=f"10.0.{n}.1"
            )
        statements.append(recorder.seen)
    assert len(statements[0]) > 4
    assert all(seen == statements[0] for seen in statements)


class Recorder:
    """The statements of a request, without their values."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen.append(re.sub(r'SAVEPOINT "?\w+"?', "SAVEPOINT", str(sql)))
        return execute(sql, params, many, context)


def test_it_takes_as_long_for_every_address(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 real requests a kind, mixed so that a busy machine is busy for all of them alike."""
    settings.TRUSTED_PROXIES = 1
    monkeypatch.setattr(signups, "BREAKER_FLOOR", 100_000)
    monkeypatch.setattr(subscribing, "read_stamp", lambda stamp: stamp)
    monkeypatch.setattr(subscribing, "send_notices_soon", lambda: None)
    kinds = ["new", "pending", "active", "suppressed"]
    for kind in kinds[1:]:
        KNOWN[kind](f"{kind}@reader.example")
    # Of a hundred honest rounds one or two look uneven by chance, of a million three in a row do.
    assert any(is_even(time_requests(kinds, turn)) for turn in range(3))


def time_requests(kinds: list[str], turn: int) -> dict[str, list[float]]:
    client, took = Client(), {kind: list[float]() for kind in kinds}
    for n in range(300 * len(kinds)):
        kind = kinds[(n + n // len(kinds)) % len(kinds)]
        data = {"email": f"{kind}@reader.example", "interests": "RL", "stamp": f"n{turn}.{n}"}
        network = f"10.{10 * turn + n // 250}.{n % 250}.1"
        began = time.perf_counter()
        answer = client.post("/subscribe", data, HTTP_X_FORWARDED_FOR=network)
        took[kind].append(time.perf_counter() - began)
        assert answer.status_code == 302
    return took


def is_even(took: dict[str, list[float]]) -> bool:
    """Whether no kind's times tell it from those of a new address: medians, and p > 0.01."""
    medians = [statistics.median(times) for times in took.values()]
    if max(medians) - min(medians) >= 0.005:
        return False
    new, *others = took.values()
    return all(distance(new, times) < 1.63 * (2 / 300) ** 0.5 for times in others)


def distance(one: list[float], other: list[float]) -> float:
    """The two-sample Kolmogorov-Smirnov statistic."""
    one, other = sorted(one), sorted(other)
    return max(
        abs(bisect(one, at) / len(one) - bisect(other, at) / len(other)) for at in one + other
    )


SCANNERS = [
    "Mozilla/5.0 (compatible; SafeLinks)", "ProofPoint", "Mimecast", "Barracuda", "curl/8",
    "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120", "GoogleImageProxy", "",
]  # fmt: skip


def snapshot() -> str:
    """Every row of every table but the sessions', as text."""
    rows = []
    for table in sorted(connection.introspection.table_names()):
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT t::text FROM "{table}" AS t ORDER BY 1')
            rows += [f"{table} {row[0]}" for row in cursor.fetchall()]
    return "\n".join(rows)


def test_it_changes_nothing_when_scanners_follow_its_links(
    visitor: Visitor, server: SmtpServer
) -> None:
    visitor.send("a@reader.example")
    work()
    before = snapshot()
    client = Client()
    links = links_of(mails(server)[0])
    assert {link[:3] for link in links if len(link) > 3} == {"/c/", "/b/"}
    for link in [*links, *(f"{link}?x=1" for link in links)]:
        for agent in SCANNERS:
            for ask in (client.get, client.head, client.options):
                answer = ask(link, HTTP_USER_AGENT=agent, follow=True)
                assert answer.status_code in (200, 404, 405)
    assert snapshot() == before


def test_its_tables_hold_no_usable_token(visitor: Visitor, server: SmtpServer) -> None:
    visitor.send("a@reader.example")
    waiting = snapshot()
    work()
    dump = waiting + snapshot()
    tokens = [link[3:] for link in links_of(mails(server)[0]) if len(link) > 3]
    assert len(tokens) == 2
    assert all(token not in dump for token in tokens)
    assert hash_token(tokens[0], "confirm") in dump


@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase, lambda t: t[:-1],
    lambda t: t + "a", lambda t: t + "\u200b", lambda t: t.replace(t[0], "%00", 1)])  # fmt: skip
def test_it_refuses_a_token_that_is_not_whole(
    visitor: Visitor, server: SmtpServer, change: Any
) -> None:
    visitor.send("a@reader.example")
    work()
    token = link_of(mails(server)[0], "/c/")[3:]
    assert Client().post(f"/c/{change(token)}").status_code == 404
    assert Subscriber.objects.get().status == "unconfirmed"


def test_it_refuses_a_token_for_another_purpose(visitor: Visitor, server: SmtpServer) -> None:
    visitor.send("a@reader.example")
    work()
    confirm, block = (link_of(mails(server)[0], kind)[3:] for kind in ("/c/", "/b/"))
    assert Client().post(f"/c/{block}").status_code == 404
    assert Client().post(f"/b/{confirm}").status_code == 404
    assert Subscriber.objects.get().status == "unconfirmed"
    assert not Grant.objects.filter(used_at__isnull=False).exists()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, "1.1.1.1", "192.0.2.9"),
        (1, "", "192.0.2.9"),
        (1, "9.9.9.9, 203.0.113.5", "203.0.113.5"),
        (2, "9.9.9.9, 203.0.113.5, 10.0.0.1", "203.0.113.5"),
        (2, "203.0.113.5", "192.0.2.9"),
        (1, "[2001:db8::1]:443", "2001:db8::1"),
        (1, "203.0.113.5:8080", "203.0.113.5"),
        (1, "::ffff:203.0.113.5", "203.0.113.5"),
        (1, "<script>", ""),
    ],
)
def test_it_believes_only_its_own_proxies(
    settings: Settings, proxies: int, forwarded: str, found: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.9", **headers)
    assert client_address(request) == found


def test_it_counts_one_network_whatever_headers_say(visitor: Visitor) -> None:
    codes = [
        visitor.send(f"v{n}@reader.example", HTTP_X_FORWARDED_FOR=f"10.{n}.0.1").status_code
        for n in range(7)
    ]
    assert codes == [302] * 5 + [429] * 2


def test_it_takes_forms_without_redis(
    visitor: Visitor,
    server: SmtpServer,
    broker_away: None,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with caplog.at_level("WARNING"), django_capture_on_commit_callbacks(execute=True):
        assert visitor.send("a@reader.example").status_code == 302
    assert "the broker is away" in caplog.text
    work()
    assert len(server.accepted) == 1


def test_it_says_kindly_that_the_database_is_away(visitor: Visitor) -> None:
    hidden = visitor.open()

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        raise OperationalError("the database is away")

    with connection.execute_wrapper(refuse):
        answer = visitor.send("a@reader.example", hidden=hidden)
        assert (answer.status_code, answer["Retry-After"]) == (503, "60")
        assert b"closed for the moment" in answer.content
        assert Client().get("/subscribe").status_code == 200


def test_it_takes_a_form_again_that_failed_midway(visitor: Visitor) -> None:
    hidden = visitor.open()

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if 'INTO "subscribers_signup"' in sql:
            raise OperationalError("the database is away")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        assert visitor.send("a@reader.example", hidden=hidden).status_code == 503
    assert visitor.send("a@reader.example", hidden=hidden).status_code == 302
    assert Signup.objects.count() == 1


def test_it_forgets_who_never_confirmed(
    visitor: Visitor, server: SmtpServer, clock: time_machine.Traveller
) -> None:
    visitor.send("old@reader.example")
    work()
    subscribe("RL", email="reader@reader.example")
    clock.shift(timedelta(days=4))
    visitor.send("young@reader.example")
    work()
    clock.shift(timedelta(days=4))
    assert forget_unconfirmed(timezone.now() - timedelta(days=7)) == 1
    left = set(Subscriber.objects.values_list("email", flat=True))
    assert left == {"young@reader.example", "reader@reader.example"}
    assert ConsentEvent.objects.count() == 2
    assert not re.search(r"\bold@", snapshot())


def test_its_consent_stays_as_it_is(visitor: Visitor, server: SmtpServer) -> None:
    visitor.send("a@reader.example")
    work()
    with pytest.raises(Exception, match="never changed"):
        ConsentEvent.objects.update(network="")
