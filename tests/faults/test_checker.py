"""The checker sees what it is there to see: each promise, broken by hand, is reported."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faults.checker import check
from tests.faults.world import World

READERS = [f"ok-{n}@reader.example" for n in range(4)]


@pytest.fixture
def sent(world: World) -> World:
    """Four letters, accepted and recorded."""
    world.day(*READERS)
    world.run("tick")
    assert broken(world) == []
    return world


def broken(world: World, *, everyone: bool = False) -> list[str]:
    with world.connect() as connection:
        return check(world.log, connection, everyone=everyone).broken


def forge(world: World, *lines: dict[str, Any]) -> None:
    world.log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_it_sees_each_promise_broken(sent: World) -> None:
    mails = [json.loads(line) for line in sent.log.read_text().splitlines()]

    forge(sent, *mails[1:])
    assert [one.split(":")[0] for one in broken(sent)] == ["LOST"]

    forge(sent, *mails, mails[0])
    assert [one.split(":")[0] for one in broken(sent)] == ["DUPLICATE"]

    stranger = mails[0] | {"recipient": "somebody@reader.example"}
    forge(sent, *mails[1:], stranger)
    assert len(broken(sent)) == 3  # who should have it lacks it, who has it should not, and its To

    forge(sent, *mails)
    sent.sql("ALTER TABLE newsletter_delivery DISABLE TRIGGER USER")
    sent.sql(
        "UPDATE newsletter_delivery SET state = 'queued' WHERE id = "
        "(SELECT min(id) FROM newsletter_delivery)"
    )
    assert sorted(one.split(":")[0] for one in broken(sent)) == ["STUCK", "UNKNOWN"]
    sent.sql("UPDATE newsletter_delivery SET state = 'sent'")

    sent.sql(
        "UPDATE newsletter_delivery SET covers_from = '2100-01-01' WHERE id = "
        "(SELECT min(id) FROM newsletter_delivery)"
    )
    assert ["is in 0 letters" in one for one in broken(sent)] == [True]
    sent.sql("UPDATE newsletter_delivery SET covers_from = '2026-01-02'")

    leave = (
        "from subscribers.services import unsubscribe\nfrom subscribers.models import Subscriber\n"
    )
    leave += "from django.utils import timezone\n"
    leave += "unsubscribe(Subscriber.objects.get(email=email).pk, 'test', timezone.now())"
    sent.do(leave, email=READERS[0])
    assert broken(sent) == []
    late = [mail | {"at": mail["at"] + 60} for mail in mails]
    forge(sent, *late)
    assert [one.split(":")[0] for one in broken(sent)] == ["AFTER UNSUBSCRIBE"]
    sent.sql("ALTER TABLE newsletter_delivery ENABLE TRIGGER USER")


def test_it_sees_whose_mail_it_is_and_what_it_carries(sent: World) -> None:
    mails = [json.loads(line) for line in sent.log.read_text().splitlines()]

    theirs = mails[0]["data"].replace(mails[0]["recipient"], mails[1]["recipient"])
    forge(sent, mails[0] | {"data": theirs}, *mails[1:])
    assert [one.split(":")[0] for one in broken(sent)] == ["MIXED UP"]

    shorter = mails[0]["data"].replace("/p/1", "/p/9")
    forge(sent, mails[0] | {"data": shorter}, *mails[1:])
    assert [one.split(":")[0] for one in broken(sent)] == ["OTHER PAPERS"]

    forge(sent, *mails)
    someone = "(SELECT max(id) FROM subscribers_subscriber)"
    sent.sql(f"UPDATE subscribers_subscriber SET covered_until = '2026-01-01' WHERE id = {someone}")
    assert [one.split(":")[0] for one in broken(sent, everyone=True)] == ["FORGOTTEN"]
    sent.sql("UPDATE subscribers_subscriber SET covered_until = CURRENT_DATE")

    sent.sql(f"UPDATE subscribers_subscriber SET status = 'unconfirmed' WHERE id = {someone}")
    assert [one.split(":")[0] for one in broken(sent)] == ["UNASKED"]
    sent.sql("UPDATE subscribers_subscriber SET status = 'confirmed'")

    sent.sql("ALTER TABLE newsletter_delivery DISABLE TRIGGER USER")
    sent.sql(
        "UPDATE newsletter_delivery SET state = 'failed', detail = '5.1.1 no such user', "
        "finished_at = now() - interval '1 day', doubts = 1 WHERE id = "
        "(SELECT min(id) FROM newsletter_delivery)"
    )
    assert [one.split(":")[0] for one in broken(sent)] == ["AFTER REFUSAL"]
    sent.sql("ALTER TABLE newsletter_delivery ENABLE TRIGGER USER")
