"""From the form to the first letter: a real form, real mail, the ledger."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
import time_machine
from django.test import Client

from newsletter.days import drain_deliveries, prepare_edition, run_day
from newsletter.deliveries import claim_deliveries
from newsletter.models import Delivery, Notice
from newsletter.planning import plan_deliveries
from subscribers.models import ConsentEvent, Signup, Subscriber
from subscribers.services import unsubscribe
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe
from tests.integration.subscribing.forms import (
    Visitor,
    link_of,
    links_of,
    mails,
    text_of,
    work,
)
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db
ADA = "ada@reader.example"


def sign_up(visitor: Visitor, server: SmtpServer, email: str = ADA, **fields: str) -> str:
    """Send the form and return the path of the confirmation's link."""
    assert visitor.send(email, **fields).status_code == 302
    work()
    return link_of(mails(server)[-1], "/c/")


def test_it_mails_a_link_and_begins_letters_when_its_button_is_pressed(
    visitor: Visitor, server: SmtpServer
) -> None:
    answer = visitor.send(
        ADA,
        interests="RL\nprotein folding\n",
        timezone="europe/berlin",
        hour="7:00",
        days="weekly",
        weekday="4",
        papers="5",
        empty_days="line",
    )
    assert (answer.status_code, answer["Location"]) == (302, "/subscribe/sent")
    work()
    link = link_of(mails(server)[0], "/c/")
    page = visitor.client.get(link, follow=True)
    assert b"a\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2@reader.example" in page.content
    for words in (b"RL", b"07:00, Europe/Berlin", b"on Friday", b"a letter of one line"):
        assert words in page.content, words
    assert ADA.encode() not in page.content
    assert Subscriber.objects.get().status == "unconfirmed"
    assert b"begin" in Client().post(link).content
    reader = Subscriber.objects.get()
    assert (reader.status, reader.email, reader.timezone) == ("confirmed", ADA, "Europe/Berlin")
    assert (reader.send_time, reader.weekdays, reader.papers_per_letter) == (time(7), 1 << 4, 5)
    assert (reader.empty_days, reader.language) == ("line", "en")
    assert list(reader.interests.values_list("text", flat=True)) == ["RL", "protein folding"]
    assert reader.next_send_at is not None
    assert not Signup.objects.exists()


def test_it_keeps_what_was_agreed_to_and_how(visitor: Visitor, server: SmtpServer) -> None:
    link = sign_up(visitor, server, ip="203.0.113.77", HTTP_USER_AGENT="Browser/1")
    Client().post(link, REMOTE_ADDR="2001:db8:1:2::3", HTTP_USER_AGENT="Browser/2")
    asked, confirmed = ConsentEvent.objects.order_by("pk")
    assert (asked.kind, confirmed.kind) == ("subscribed", "confirmed")
    assert "may mail me the papers that match my interests" in asked.wording
    assert asked.wording in Client().get("/subscribe").content.decode()
    assert confirmed.wording == "Yes, send me these letters"
    assert (asked.network, confirmed.network) == ("203.0.113.0/24", "2001:db8:1::/48")
    assert (asked.user_agent, confirmed.user_agent) == ("Browser/1", "Browser/2")
    assert asked.url == "http://testserver/subscribe"
    assert confirmed.url == "http://testserver/c/<str:token>"
    assert len(asked.form_version) == 12
    assert (asked.language, confirmed.grant_id is not None) == ("en", True)


def test_it_sends_todays_letter_at_once_and_once(visitor: Visitor, server: SmtpServer) -> None:
    store(RL, FOLDING)
    run_day(None, MORNING)
    link = sign_up(visitor, server, timezone="Europe/Berlin")
    client = Client()
    client.post(link)
    assert b"Send me today" in client.get(link, follow=True).content
    page = client.post(link, {"do": "today"}).content.decode()
    assert "on its way, with one paper" in page
    assert "due on Saturday 21 November at 08:00 (Europe/Berlin)" in page
    assert b"already" in client.post(link, {"do": "today"}).content
    drain_deliveries()
    assert Delivery.objects.get().state == "sent"
    assert RL in text_of(mails(server)[-1])
    run_day(None, MORNING + timedelta(hours=2), everyone=True)
    assert len(server.accepted) == 2  # the confirmation and that one letter


def test_it_says_why_there_is_no_letter_today(visitor: Visitor, server: SmtpServer) -> None:
    store(FOLDING)
    run_day(None, MORNING)
    link = sign_up(visitor, server)
    Client().post(link)
    assert b"Nothing in the newest edition matches" in Client().post(link, {"do": "today"}).content
    assert not Delivery.objects.exists()


def test_it_sends_a_letter_asked_for_now_before_those_that_wait(
    visitor: Visitor, server: SmtpServer
) -> None:
    subscribe("reinforcement learning")
    store(RL)
    prepare_edition(DAY, MORNING)
    assert plan_deliveries(MORNING + timedelta(hours=2)) == 1
    link = sign_up(visitor, server)
    Client().post(link)
    Client().post(link, {"do": "today"})
    first = claim_deliveries("worker", 1)[0]
    assert Subscriber.objects.get(pk=first.subscriber_id).email == ADA


def test_it_offers_a_used_link_nothing_after_an_hour(
    visitor: Visitor, server: SmtpServer, clock: time_machine.Traveller
) -> None:
    link = sign_up(visitor, server)
    Client().post(link)
    clock.shift(timedelta(minutes=59))
    assert Client().get(link, follow=True).status_code == 200
    clock.shift(timedelta(minutes=2))
    answer = Client().post(link, {"do": "today"})
    assert (answer.status_code, b"used before" in answer.content) == (410, True)


def test_it_refuses_a_link_after_a_week(
    visitor: Visitor, server: SmtpServer, clock: time_machine.Traveller
) -> None:
    link = sign_up(visitor, server)
    clock.shift(timedelta(days=7, seconds=1))
    answer = Client().post(link)
    assert (answer.status_code, b"too old" in answer.content) == (410, True)
    assert Subscriber.objects.get().status == "unconfirmed"


def test_it_begins_anew_for_who_left(visitor: Visitor, server: SmtpServer) -> None:
    left = subscribe("astronomy", email=ADA)
    unsubscribe(left, "test", MORNING)
    link = sign_up(visitor, server, interests="robotics")
    assert Subscriber.objects.get().status == "unsubscribed"
    assert list(Subscriber.objects.get().interests.values_list("text", flat=True)) == ["astronomy"]
    Client().post(link)
    reader = Subscriber.objects.get()
    assert (reader.status, reader.unsubscribed_at) == ("confirmed", None)
    assert list(reader.interests.values_list("text", flat=True)) == ["robotics"]


def test_it_mails_a_reader_a_link_to_manage_instead(visitor: Visitor, server: SmtpServer) -> None:
    subscribe("astronomy", email=ADA)
    assert visitor.send(ADA, interests="robotics")["Location"] == "/subscribe/sent"
    work()
    assert Notice.objects.get().kind == "manage_link"
    assert list(Subscriber.objects.get().interests.values_list("text", flat=True)) == ["astronomy"]


def test_it_blocks_an_address_for_good(
    visitor: Visitor, server: SmtpServer, clock: time_machine.Traveller
) -> None:
    sign_up(visitor, server)
    link = link_of(mails(server)[0], "/b/")
    assert Client().get(link, follow=True).status_code == 200
    assert Subscriber.objects.exists()
    assert b"is blocked" in Client().post(link).content
    assert not Subscriber.objects.exists()
    assert not ConsentEvent.objects.exists()
    clock.shift(timedelta(days=40))
    assert visitor.send(ADA)["Location"] == "/subscribe/sent"
    work()
    assert len(server.accepted) == 1
    assert b"is blocked" in Client().get(link, follow=True).content


def test_its_mail_has_two_parts_and_is_no_list_mail(visitor: Visitor, server: SmtpServer) -> None:
    sign_up(visitor, server)
    mail = mails(server)[0]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] is None
    assert mail["Subject"] == "Paper Round: confirm this address"
    html = mail.get_body(("html",))
    assert html is not None
    for link in links_of(mail):
        assert f"http://testserver{link}" in html.get_content()


def test_it_says_what_is_wrong_with_each_field(visitor: Visitor) -> None:
    answer = visitor.send("nobody", interests="a AND", timezone="Europe/Berlim", papers="99")
    page = answer.content.decode()
    assert answer.status_code == 422
    for part in ("is no mail address", "did you mean Europe/Berlin", "a number from 1 to 30"):
        assert part in page
    assert 'aria-describedby="e-email"' in page
    assert page.count('class="wrong"') >= 4
    assert not Signup.objects.exists()


def test_it_asks_for_nothing_it_knows_after_a_mistake(visitor: Visitor) -> None:
    page = visitor.send("nobody", interests="RL\nfolding", hour="21:00").content.decode()
    assert ">RL\nfolding</textarea>" in page
    assert '<option value="21:00" selected>' in page
    assert 'value="nobody"' in page


def test_it_takes_suggestions_in_without_a_script(visitor: Visitor) -> None:
    answer = visitor.client.post(
        "/subscribe/preview", {"interests": "RL\nfolding", "swap": "0:offline RL"}
    )
    assert ">offline RL\nfolding</textarea>" in answer.content.decode()
