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


def broken(world: World) -> list[str]:
    with world.connect() as connection:
        return check(world.log, connection).broken


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
    assert len(broken(sent)) == 2  # who should have it lacks it, and who has it should not

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
