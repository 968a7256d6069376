"""Letters and service mail speak the language of the reader they go to, each in the same batch."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import translation
from pytest_django.fixtures import Settings

from newsletter.days import run_day
from newsletter.schedules import format_days
from newsletter.translations import list_languages
from subscribers.models import Subscriber
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db


def mail_to(settings: Settings, **languages: str) -> dict[str, EmailMessage]:
    """Send the day's letters to readers of these languages, in one batch; {name: mail}."""
    for name, language in languages.items():
        reader = subscribe("RL", "protein folding", email=f"{name}@reader.example", weekdays=31)
        Subscriber.objects.filter(pk=reader).update(language=language)
    with SmtpServer() as server:
        settings.EMAIL_URL = server.url
        run_day(DAY, MORNING + timedelta(hours=3), everyone=True)
    mails = {}
    for accepted in server.accepted:
        mail = message_from_bytes(accepted.data, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        mails[str(mail["To"]).split("@")[0]] = mail
    return mails


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def test_it_writes_each_reader_in_their_own_language(settings: Settings) -> None:
    store(RL, upvotes=9)
    store(FOLDING)
    mails = mail_to(settings, ada="en", jun="de", noor="en")
    assert mails["ada"]["Subject"] == f"Fri 20 Nov: {RL}, and 1 more"
    assert mails["jun"]["Subject"] == f"Fr, 20. Nov: {RL} und 1 weitere"
    assert mails["noor"]["Subject"] == mails["ada"]["Subject"]
    text = re.sub(r"\s+", " ", part(mails["jun"], "plain"))
    for words in (
        "Freitag, 20. November 2026",
        "Von 2 angekündigten Arbeiten sind 2 für Sie",
        "(als „reinforcement learning“), im Titel",
        "Sie bekommen dies an Werktagen um 08:00 Uhr (UTC), weil Ihr Abonnement am 20. November",
        "Abbestellen:",
    ):
        assert words in text
    html = part(mails["jun"], "html")
    assert '<html lang="de"' in html
    assert 'role="article" aria-roledescription="email"' in html
    assert ">Abbestellen</a>" in html


def test_no_english_is_left_in_a_german_letter(settings: Settings) -> None:
    store(RL, FOLDING)
    mails = mail_to(settings, ada="en", jun="de")
    english, german = (set(part(mails[name], "plain").splitlines()) for name in ("ada", "jun"))
    shared = {line.strip() for line in english & german if re.search(r"[a-z]{2}", line)}
    theirs = {RL, FOLDING, "Paper Round"}  # and the abstracts, which no catalogue has
    abstracts = re.compile(r"://|We study|means, and|labels|holds|protein folding")
    assert {line for line in shared - theirs if not abstracts.search(line)} == set()


def test_it_writes_whom_the_operator_adds_in_the_sites_language(
    settings: Settings, tmp_path: Path
) -> None:
    settings.SITE_LANGUAGE = "de"
    subscribe(email="jun@reader.example")
    (tmp_path / "more.csv").write_text(
        "email,interests,timezone,hour\nines@reader.example,RL,UTC,8\n"
    )
    call_command("import_subscribers", str(tmp_path / "more.csv"), stdout=StringIO())
    assert list(Subscriber.objects.values_list("language", flat=True)) == ["de", "de"]


def test_it_links_in_the_operators_accent(settings: Settings) -> None:
    settings.SITE_ACCENT, settings.SITE_ACCENT_DARK = "#005f99", "#66c2ff"
    store(RL)
    html = part(mail_to(settings, ada="en")["ada"], "html")
    assert "color:#005f99" in html
    assert "#66c2ff !important" in html
    assert "9a3412" not in html.lower()


@pytest.mark.parametrize(
    ("code", "days", "words"),
    [
        ("en", 127, "every day"),
        ("en", 0b101, "on Monday, Wednesday"),
        ("de", 31, "an Werktagen"),
        ("de", 96, "am Wochenende"),
        ("de", 0b101, "am Montag, Mittwoch"),
    ],
)
def test_it_names_the_days(code: str, days: int, words: str) -> None:
    with translation.override(code):
        assert format_days(days) == words


def test_it_knows_the_languages_there_are() -> None:
    assert list_languages()[:2] == [("en", "English"), ("de", "Deutsch")]
