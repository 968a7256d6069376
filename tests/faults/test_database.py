"""PostgreSQL killed, cut off, restored: rows stay true, what the relay has is not sent again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from importlib import import_module

from newsletter.keeper import find_wheels
from tests.faults.conftest import judge
from tests.faults.running import ROOT
from tests.faults.world import KEPT, World
from tests.smtp import Accepted

READERS = [f"slow1-{n}@reader.example" for n in range(30)]
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def test_f11_every_connection_cut_again_and_again(world: World) -> None:
    world.day(*READERS)
    world.worker()
    world.beat()
    for reached in (3, 8, 13, 18):
        world.wait(lambda reached=reached: len(world.relay.accepted) > reached)  # type: ignore[misc]
        world.sql(CUT)
    world.wait_done()
    report = judge(world)
    assert report.duplicates == 0
    assert report.states["sent"] == 30


def test_f12_postgresql_killed_in_the_middle(world: World) -> None:
    world.day(*READERS)
    world.worker()
    world.beat()
    world.wait(lambda: len(world.relay.accepted) > 8)
    os.kill(world.server_pid("postgresql"), signal.SIGKILL)
    world.wait_done()
    report = judge(world)
    assert report.duplicates == 0
    assert report.accepted == 30


DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
HELD = "SELECT id FROM newsletter_delivery WHERE state = 'sending' ORDER BY id"
BLOCKED = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND query ILIKE '%newsletter_delivery%'
"""


def test_f13_a_deadlock_costs_a_batch_not_a_letter(world: World) -> None:
    world.day(*READERS)
    before = world.sql(DEADLOCKS)[0][0]
    world.worker()
    world.beat()
    world.wait(lambda: provoke_deadlock(world) or world.states() == {"sent": 30}, 60)
    world.wait_done()
    report = judge(world)
    assert report.duplicates == 0
    assert report.accepted == 30
    world.wait(lambda: world.sql(DEADLOCKS)[0][0] > before)  # there was one


def provoke_deadlock(world: World) -> bool:
    """Hold the last letter in hand until a worker waits for it, then ask for the first."""
    with world.connect() as connection:
        connection.execute("SET deadlock_timeout = '30s'")  # the worker is to be the victim
        connection.autocommit = False
        held = [row[0] for row in connection.execute(HELD).fetchall()]
        lock = "SELECT 1 FROM newsletter_delivery WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
        if len(held) > 1:
            connection.execute(lock, [held[-1:]])
            with contextlib.suppress(AssertionError):
                world.wait(lambda: world.sql(BLOCKED) != [(0,)], 8)
                connection.execute(lock, [held[:-1]])
                connection.rollback()
                return True
        connection.rollback()
        return False


def test_f14_a_250_the_ledger_could_not_be_told_is_in_the_receipts(world: World) -> None:
    world.day("ok@reader.example")

    def hold(_: Accepted) -> None:  # the relay has it; the database goes before it says so
        world.sql(CUT)

    world.relay.on_dot = hold
    tick = world.tick()
    assert tick.wait(30) != 0  # it could not tell the ledger
    assert world.states() == {"sending": 1}
    world.relay.on_dot = lambda _: None
    world.run("tick")
    assert world.states() == {"sent": 1}
    assert judge(world).accepted == 1


def test_f25_a_migration_while_letters_go_out(world: World) -> None:
    world.day(*READERS)
    world.worker()
    world.beat()
    world.wait(lambda: len(world.relay.accepted) > 5)
    world.run("migrate", "newsletter", parent_of("0040_delivery_controls"))
    world.run("migrate", "newsletter")
    world.run("resume")  # the way back dropped the tallies, which looks like a restored backup
    world.wait_done()
    report = judge(world)
    assert report.duplicates == 0
    assert report.accepted == 30


def parent_of(migration: str) -> str:
    module = import_module(f"newsletter.migrations.{migration}")
    parents = [name for app, name in module.Migration.dependencies if app == "newsletter"]
    return str(parents[0])


def test_f26_a_restored_backup_sends_nothing_twice(world: World) -> None:
    world.day(*READERS[:20])
    backup = dump(world)
    world.run("tick")
    assert world.states() == {"sent": 20}
    world.sql("UPDATE newsletter_tally SET minute = minute - interval '1 day'")  # a day has passed
    restore(world, backup)
    assert world.states() == {"queued": 20}
    assert "restored?" in world.run("tick")
    assert len(world.relay.accepted) == 20
    today = world.sql("SELECT max(date) FROM newsletter_edition")[0][0]
    world.run("resume", "--sent-until", str(today))
    world.run("tick")
    assert len(world.relay.accepted) == 20
    assert world.states() == {"cancelled": 20}


def test_f15_a_full_disk_stops_before_the_dot(world: World) -> None:
    world.day(*READERS[:20])
    small = ["prlimit", "--fsize=300", sys.executable, "manage.py", "tick"]
    done = subprocess.run(
        small, cwd=ROOT, env=world.environment(), capture_output=True, text=True, timeout=60
    )
    assert "No space left" in done.stderr or "File too large" in done.stderr
    accepted = len(world.relay.accepted)
    assert 0 < accepted < 20
    world.run("tick")
    assert world.states() == {"sent": 20}
    assert judge(world).accepted == 20


def dump(world: World) -> str:
    """Return a backup of the installation's data."""
    command = [*pg("pg_dump", world), "--data-only", "--disable-triggers", "-T", "django_*"]
    command += ["-T", "auth_*", "-T", "newsletter_synonym", "-T", "newsletter_definition"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def restore(world: World, backup: str) -> None:
    """Put a backup back in place of what there is."""
    world.end_all()
    tables = sorted(
        row[0]
        for row in world.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        if row[0].startswith(("newsletter_", "subscribers_")) and row[0] not in KEPT
    )
    world.sql("TRUNCATE " + ", ".join(tables) + " CASCADE")
    subprocess.run(
        [*pg("psql", world), "-q", "-v", "ON_ERROR_STOP=1"],
        input=backup, capture_output=True, text=True, check=True,
    )  # fmt: skip


def pg(program: str, world: World) -> list[str]:
    binaries, _ = find_wheels()
    with world.connect() as connection:
        host = str(connection.info.host)
    return [str(binaries / program), "-h", host, "-U", "postgres", "paper_round"]
