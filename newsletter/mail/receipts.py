"""What was handed to the relay, written down so that it outlives a killed process.

A commit with fsync per message costs a millisecond; a commit per batch leaves the batch in doubt.
A line appended by one write(2) costs microseconds and is the kernel's from then on: kill -9, an
exception or a lost database cannot take it back. What can is the machine going down, as lines are
not fsynced one by one: `Receipts.sync` bounds that loss to a batch, and the boot written into the
first line lets a reader know (`Replay.complete`).

One file per owner of claims, `OWNER.receipts`. The owner holds an exclusive flock for as long as it
lives, so "is it dead?" has an answer that neither a reused pid nor a clock can fool.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from newsletter.mail.message import Outcome, Verdict

_SUFFIX = ".receipts"
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_REVOKED = ".revoked"
_LINE = re.compile(
    rb"W (?P<begun>\d+)|H (?P<handed>\d+)"
    rb"|O (?P<id>\d+) (?P<verdict>\w+) (?P<code>\d+) (?P<detail>.*)"
)
_quote = json.JSONEncoder().encode


@dataclass(frozen=True, slots=True)
class Replay:
    """What a receipt file says: who was handed over, and what is known to have become of whom.

    An id that was handed over again after an outcome has lost that outcome. When `complete` is
    False lines are missing (the machine went down before they reached the disk), so every claim of
    that owner without an outcome is in doubt.
    """

    handed: frozenset[int]
    outcomes: tuple[Outcome, ...]
    complete: bool = True
    working: int = 0  # the letter the owner was at when it wrote last, 0 where it was at none

    @property
    def in_doubt(self) -> frozenset[int]:
        """Return the ids handed over whose outcome nobody wrote down."""
        return self.handed - {outcome.delivery_id for outcome in self.outcomes}


class Revoked(RuntimeError):  # noqa: N818 - it is what happened
    """Recovery took over what this owner claimed: nothing more of it may be handed over."""


class Receipts:
    """The receipts one living process writes; a context manager, not shared between processes.

    The lock belongs to the open file, which a fork would inherit: open it after forking.
    """

    def __init__(self, directory: Path, owner: str) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = receipts_path(directory, owner)
        self._owner = owner
        self._revoked = str(self.path.with_suffix(_REVOKED))
        if self.path.exists():
            raise FileExistsError(errno.EEXIST, "an owner writes its receipts once", str(self.path))
        # Locked before it gets its name, so nobody ever sees the file of a living owner unlocked.
        unnamed = directory / f".{owner}.new"
        self._file = os.open(unnamed, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        self._size = 0
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._append(b"B %b\n" % _boot().encode("ascii"))
            unnamed.rename(self.path)
        except BaseException:
            os.close(self._file)
            unnamed.unlink(missing_ok=True)
            raise

    def __enter__(self) -> Receipts:
        return self

    def __exit__(self, *_: object) -> None:
        self.close(remove=False)

    def begin(self, delivery_id: int) -> None:
        """Write which letter is worked at from here on, 0 for none: it may end this process."""
        self._append(b"W %d\n" % delivery_id)

    def handing(self, delivery_id: int) -> None:
        """Write that the final dot of `delivery_id` is about to go out.

        Raises OSError, leaving no trace, where the disk is full, and `Revoked` where recovery took
        this owner's claims away: then the dot must not be sent. Recovery revokes before it reads,
        and this writes before it looks: one of the two always sees the other, whatever the clocks
        say and however long this process was stopped in between.
        """
        self._append(b"H %d\n" % delivery_id)
        if self.is_revoked():
            raise Revoked(f"the claims of {self._owner} were taken over")

    def is_revoked(self) -> bool:
        """Return whether recovery took this owner's claims away."""
        return os.access(self._revoked, os.F_OK)  # as os.path.exists, without an exception inside

    def outcome(self, outcome: Outcome) -> None:
        """Write what became of a delivery. If this raises, the ledger can still be told."""
        key, verdict, code, detail = outcome
        self._append(f"O {key} {verdict.value} {code} {_quote(detail)}\n".encode("ascii"))

    def sync(self) -> None:
        """Put the lines on the disk: about a millisecond, so once per batch."""
        os.fdatasync(self._file)

    def close(self, *, remove: bool) -> None:
        """Release the lock; `remove` the file when the ledger holds all it says. Safe to repeat."""
        if self._file < 0:
            return
        if remove:  # while locked: a file seen unlocked is always a dead owner's
            self.path.unlink(missing_ok=True)
            Path(self._revoked).unlink(missing_ok=True)
        os.close(self._file)
        self._file = -1

    def _append(self, line: bytes) -> None:
        written = os.write(self._file, line)
        if written != len(line):  # the disk filled up within the line: the next must not touch it
            os.ftruncate(self._file, self._size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._size += written


def make_owner() -> str:
    """Return a new name for an owner of claims, a safe file name: host-pid-random."""
    host = re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname()).strip("-")[:32].rstrip("-")
    return f"{host or 'host'}-{os.getpid()}-{secrets.token_hex(4)}"


def receipts_path(directory: Path, owner: str) -> Path:
    """Return where the receipts of `owner` are, or would be."""
    if not _OWNER.fullmatch(owner):
        raise ValueError(f"owner {owner!r} is no file name of letters, digits, - and _")
    return directory / f"{owner}{_SUFFIX}"


def read_receipts(path: Path) -> Replay:
    """Return what `path` says. A torn last line counts as never written: no dot followed it."""
    first, *lines = path.read_bytes().split(b"\n")
    handed: set[int] = set()
    outcomes: dict[int, Outcome] = {}
    readable, working = _replay(lines[:-1], handed, outcomes)  # then nothing, or a torn line
    written_now = bool(lines) and first == f"B {_boot()}".encode("ascii")
    complete = readable and written_now
    return Replay(frozenset(handed), tuple(outcomes.values()), complete, working)


def revoke(directory: Path, owner: str) -> None:
    """Take the claims of a living owner away: from here on it writes no final dot of theirs."""
    receipts_path(directory, owner).with_suffix(_REVOKED).touch(mode=0o600)


def forget_owner(directory: Path, owner: str) -> None:
    """Remove what a dead owner left, once the ledger says it all."""
    path = receipts_path(directory, owner)
    path.unlink(missing_ok=True)
    path.with_suffix(_REVOKED).unlink(missing_ok=True)


def is_alive(directory: Path, owner: str) -> bool | None:
    """Return whether `owner` lives: None when it has no file here, as on another machine."""
    try:
        file = os.open(receipts_path(directory, owner), os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        # Shared, so that two who ask at once do not take each other for the owner.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def dead_owners(directory: Path) -> list[str]:
    """Return the owners whose receipts are here and who are gone, sorted."""
    names = sorted(path.name.removesuffix(_SUFFIX) for path in directory.glob(f"[!.]*{_SUFFIX}"))
    return [name for name in names if _OWNER.fullmatch(name) and is_alive(directory, name) is False]


def _replay(
    lines: Iterable[bytes], handed: set[int], outcomes: dict[int, Outcome]
) -> tuple[bool, int]:
    """Add the lines to `handed` and `outcomes`; return whether all could be read, and `working`."""
    readable, working = True, 0
    for line in lines:
        match = _LINE.fullmatch(line)
        if match and match["begun"]:
            working = int(match["begun"])
            continue
        working = 0  # handed over or concluded: the doubt, or the outcome, says it
        if match and match["handed"]:
            handed.add(int(match["handed"]))
            outcomes.pop(int(match["handed"]), None)
            continue
        outcome = _read_outcome(match) if match else None
        if outcome:
            outcomes[outcome.delivery_id] = outcome
        else:
            readable = False
    return readable, working


def _read_outcome(match: re.Match[bytes]) -> Outcome | None:
    try:
        verdict = Verdict(match["verdict"].decode("ascii"))
        return Outcome(int(match["id"]), verdict, int(match["code"]), json.loads(match["detail"]))
    except ValueError:
        return None


def _boot() -> str:
    """Return what names this run of the machine, "" where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
