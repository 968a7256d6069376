"""S1: nobody is bombed with confirmations, from one network or a thousand, by one form or many."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from newsletter.models import Notice
from newsletter.web.stamps import make_stamp
from subscribers import signups
from subscribers.limits import canonical_address, hourly, network_of, take
from subscribers.models import LimitCount, Signup
from subscribers.services import Evidence
from subscribers.signups import Choices, Taken, receive_signup
from tests.factories import MORNING
from tests.integration.subscribing.forms import Visitor, link_of, mails, work
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
VICTIM = "victim@reader.example"


def receive(email: str, ip: str, nonce: str = "") -> Taken:
    """One hostile form, past the page."""
    return receive_signup(
        email,
        Choices(interests=("RL",)),
        Evidence(),
        wording="yes",
        ip=ip,
        nonce=nonce or uuid4().hex,
        now=timezone.now(),
    )


def bomb(forms: int, networks: int) -> list[Taken]:
    """So many forms for one victim, spelled in many ways, from so many networks in turn."""
    return [
        receive(
            f"vic.tim+{n}@reader.example" if n % 2 else VICTIM,
            f"198.{n % networks // 250}.{n % networks % 250}.{n % 200}",
        )
        for n in range(forms)
    ]


def test_it_mails_one_victim_once_whatever_comes_from_a_thousand_networks(
    clock: time_machine.Traveller, server: SmtpServer
) -> None:
    taken = bomb(forms=10_000, networks=1_000)
    assert taken.count(Taken.TAKEN) == 100  # the breaker's hour
    work()
    assert not Signup.objects.exists()
    assert len(server.accepted) == 1


def test_it_mails_one_victim_once_without_a_breaker_too(
    clock: time_machine.Traveller, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signups, "BREAKER_FLOOR", 100_000)
    taken = bomb(forms=1_000, networks=100)
    assert taken.count(Taken.TAKEN) == 500
    work()
    assert not Signup.objects.exists()
    assert [mail.recipient for mail in server.accepted] == [VICTIM]
    assert Notice.objects.count() == 1


def test_it_mails_one_victim_once_through_the_page(
    clock: time_machine.Traveller, server: SmtpServer, settings: Settings
) -> None:
    """Every form is whole and comes from another network; the page is the one people use."""
    settings.TRUSTED_PROXIES = 1
    stamps = [make_stamp() for _ in range(130)]
    clock.shift(timedelta(seconds=20))
    client = Client()
    codes = [
        client.post(
            "/subscribe",
            {"email": f"vic.tim+{n}@reader.example", "interests": "RL", "stamp": stamp},
            HTTP_X_FORWARDED_FOR=f"198.51.100.{n}, 198.{n}.7.1",
        ).status_code
        for n, stamp in enumerate(stamps)
    ]
    assert codes == [302] * 100 + [503] * 30
    work()
    assert len(server.accepted) == 1


def test_it_mails_five_victims_of_one_network_an_hour(
    clock: time_machine.Traveller, server: SmtpServer
) -> None:
    taken = [receive(f"victim{n}@reader.example", f"203.0.113.{n % 250}") for n in range(500)]
    assert taken.count(Taken.TAKEN) == 5
    assert set(taken) == {Taken.TAKEN, Taken.TOO_MANY}
    work()
    assert len(server.accepted) == 5
    clock.shift(timedelta(minutes=61))
    assert receive("later@reader.example", "203.0.113.7") is Taken.TAKEN


def test_it_counts_a_network_through_the_page(
    visitor: Visitor, server: SmtpServer, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = 1
    statuses = [
        visitor.send(f"v{n}@reader.example", HTTP_X_FORWARDED_FOR=f"1.2.3.{n}, 203.0.113.{n}")
        for n in range(40)
    ]
    codes = [answer.status_code for answer in statuses]
    assert codes == [302] * 5 + [429] * 35
    assert b"Enough forms came from your network" in statuses[-1].content
    work()
    assert len(server.accepted) == 5


def test_it_takes_a_form_once(visitor: Visitor, server: SmtpServer) -> None:
    hidden = visitor.open()
    first = visitor.send("one@reader.example", hidden=hidden)
    again = [visitor.send(f"v{n}@reader.example", hidden=hidden) for n in range(20)]
    assert {answer["Location"] for answer in [first, *again]} == {"/subscribe/sent"}
    work()
    assert [mail.recipient for mail in server.accepted] == ["one@reader.example"]


@pytest.mark.parametrize(
    ("waited", "stamp"),
    [(1.0, None), (12 * 3600 + 1, None), (20.0, "forged.1:sig"), (20.0, "")],
    ids=["faster than a person", "half a day old", "forged", "missing"],
)
def test_it_takes_no_form_without_a_good_number(
    visitor: Visitor, waited: float, stamp: str | None
) -> None:
    hidden = visitor.open()
    if stamp is not None:
        hidden["stamp"] = stamp
    answer = visitor.send(VICTIM, hidden=hidden, waited=waited)
    assert answer.status_code == 422
    assert not Signup.objects.exists()
    fresh = visitor.open()["stamp"]
    assert fresh != hidden["stamp"]


def test_it_takes_nothing_from_who_fills_in_the_trap(visitor: Visitor) -> None:
    assert visitor.send(VICTIM, website="http://spam.example")["Location"] == "/subscribe/sent"
    assert not Signup.objects.exists()


def test_it_takes_no_form_without_the_csrf_token(visitor: Visitor) -> None:
    hidden = visitor.open()
    del hidden["csrfmiddlewaretoken"]
    assert visitor.send(VICTIM, hidden=hidden).status_code == 403
    assert not Signup.objects.exists()


def test_it_mails_an_address_three_times_until_it_is_confirmed(
    visitor: Visitor, server: SmtpServer, clock: time_machine.Traveller
) -> None:
    for _ in range(8):
        visitor.send("v.ictim+tag@reader.example")
        work()
        clock.shift(timedelta(hours=25))
    assert len(server.accepted) == 3


def test_it_counts_anew_once_an_address_is_confirmed(
    visitor: Visitor, server: SmtpServer, clock: time_machine.Traveller
) -> None:
    visitor.send(VICTIM)
    work()
    Client().post(link_of(mails(server)[0], "/c/"))
    assert not LimitCount.objects.filter(scope="unconfirmed").exists()


def test_it_closes_when_far_more_forms_come_than_in_the_week_before(
    visitor: Visitor, clock: time_machine.Traveller
) -> None:
    for n in range(100):
        assert receive(f"a{n}@reader.example", f"10.0.{n}.1") is Taken.TAKEN
    assert receive("b@reader.example", "10.1.0.1") is Taken.CLOSED
    answer = visitor.send(VICTIM)
    assert (answer.status_code, b"Far more forms than usual" in answer.content) == (503, True)
    clock.shift(timedelta(hours=1))
    assert receive("c@reader.example", "10.1.0.1") is Taken.TAKEN


def test_it_stays_open_for_ten_times_the_mean_hour(clock: time_machine.Traveller) -> None:
    hour = MORNING - timedelta(hours=30)
    LimitCount.objects.create(
        scope="signup",
        key=f"{hour:%Y-%m-%dT%H}",
        window_start=hour,
        expires_at=MORNING + timedelta(days=8),
        count=168 * 11,
    )
    assert hourly("signup", MORNING) == (0, 11.0)
    taken = [receive(f"a{n}@reader.example", f"10.0.{n}.1") for n in range(112)]
    assert taken.count(Taken.TAKEN) == 110


def test_it_limits_exactly(clock: time_machine.Traveller) -> None:
    hour = timedelta(hours=1)
    assert [take("x", "a", 2, hour, MORNING) for _ in range(4)] == [True, True, False, False]
    assert take("x", "b", 2, hour, MORNING)
    assert take("y", "a", 2, hour, MORNING)
    assert take("x", "a", 2, hour, MORNING + hour)
    assert not LimitCount.objects.filter(key__in=["a", "b"]).exists()


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("Ada.Example+tag@Reader.example", "adaexample@reader.example"),
        ("a.d.a@googlemail.com", "ada@gmail.com"),
        ("+@reader.example", "+@reader.example"),
    ],
)
def test_it_knows_one_mailbox_by_its_many_spellings(address: str, mailbox: str) -> None:
    assert canonical_address(address) == mailbox


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("nonsense", ""),
    ],
)
def test_it_counts_networks_not_addresses(ip: str, network: str) -> None:
    assert network_of(ip) == network
