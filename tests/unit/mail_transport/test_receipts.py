"""Receipts written, read, torn, locked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.mail.message import Outcome, Verdict
from newsletter.mail.receipts import (
    Receipts,
    Revoked,
    dead_owners,
    forget_owner,
    is_alive,
    make_owner,
    read_receipts,
    receipts_path,
    revoke,
)

SENT = Outcome(1, Verdict.SENT, 250, "2.0.0 queued\nas “1”")
HARD = Outcome(2, Verdict.HARD, 550, '5.1.1 no such "user" \\')


def write(directory: Path) -> Path:
    """Leave receipts of an owner who is gone: 1 sent, 2 refused, 3 in doubt."""
    with Receipts(directory, "gone") as receipts:
        receipts.handing(1)
        receipts.outcome(SENT)
        receipts.outcome(HARD)
        receipts.handing(3)
        receipts.sync()
    return receipts.path


def test_it_reads_what_was_written(tmp_path: Path) -> None:
    replay = read_receipts(write(tmp_path / "receipts"))
    assert replay.handed == {1, 3}
    assert replay.in_doubt == {3}
    assert replay.outcomes == (SENT, HARD)
    assert replay.complete


def test_it_is_in_doubt_again_when_handed_again(tmp_path: Path) -> None:
    with Receipts(tmp_path, "gone") as receipts:
        receipts.handing(5)
        receipts.outcome(Outcome(5, Verdict.SOFT, 451, "later"))
        receipts.handing(5)
    replay = read_receipts(receipts.path)
    assert replay.in_doubt == {5}
    assert replay.outcomes == ()


def test_it_reads_every_prefix_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path)
    whole = path.read_bytes()
    lines = whole.split(b"\n")
    for cut in range(len(lines[0]) + 1, len(whole) + 1):
        path.write_bytes(whole[:cut])
        replay = read_receipts(path)
        count = whole[:cut].count(b"\n")
        assert len(replay.handed) == (count >= 2) + (count >= 5)
        assert len(replay.outcomes) == (count >= 3) + (count >= 4)
        assert replay.complete


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole.replace(b"H 1", b"\0\0\0"),
        lambda whole: whole.replace(b"sent", b"gone"),
        lambda whole: whole.replace(b"queued", b'"'),
        lambda whole: b"B another-boot" + whole[whole.index(b"\n") :],
        lambda whole: b"",
        lambda whole: whole[:5],
    ],
)
def test_it_says_when_lines_are_missing(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert not read_receipts(path).complete


def test_it_knows_who_lives(tmp_path: Path) -> None:
    write(tmp_path)
    owner = make_owner()
    with Receipts(tmp_path, owner):
        assert is_alive(tmp_path, owner) is True
        assert is_alive(tmp_path, "gone") is False
        assert is_alive(tmp_path, "elsewhere") is None
        assert dead_owners(tmp_path) == ["gone"]
    assert dead_owners(tmp_path) == sorted(["gone", owner])
    assert dead_owners(tmp_path / "none") == []


def test_it_leaves_no_file_when_all_is_told(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path, "done")
    receipts.handing(1)
    receipts.close(remove=True)
    receipts.close(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_it_keeps_owners_apart(tmp_path: Path) -> None:
    write(tmp_path)
    before = receipts_path(tmp_path, "gone").read_bytes()
    with Receipts(tmp_path, "other") as receipts:
        receipts.handing(9)
    assert receipts_path(tmp_path, "gone").read_bytes() == before


def test_it_refuses_to_overwrite_receipts(tmp_path: Path) -> None:
    before = write(tmp_path).read_bytes()
    with pytest.raises(FileExistsError):
        Receipts(tmp_path, "gone")
    assert receipts_path(tmp_path, "gone").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("owner", ["", "..", "a/b", ".hidden", "a b", "a" * 65])
def test_it_refuses_an_owner_that_is_no_file_name(tmp_path: Path, owner: str) -> None:
    with pytest.raises(ValueError, match="no file name"):
        Receipts(tmp_path, owner)


def test_it_makes_owners_that_differ_and_fit() -> None:
    owners = {make_owner() for _ in range(50)}
    assert len(owners) == 50
    assert all(len(owner) <= 64 for owner in owners)


FULL = """
import resource, sys
from pathlib import Path
from newsletter.mail.receipts import Receipts
receipts = Receipts(Path(sys.argv[1]), "full")
size = receipts.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 7, size + 7))
receipts.handing(11)
try:
    receipts.handing(22)
except OSError as error:
    sys.stdout.write(type(error).__name__)
"""


def test_it_leaves_no_trace_of_a_line_that_did_not_fit(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path], cwd=root, capture_output=True, text=True
    )
    assert done.stdout == "OSError", done.stderr
    replay = read_receipts(receipts_path(tmp_path, "full"))
    assert replay.handed == {11}
    assert receipts_path(tmp_path, "full").read_bytes().endswith(b"H 11\n")


def test_it_tells_the_letter_the_owner_ended_at(tmp_path: Path) -> None:
    with Receipts(tmp_path, "gone") as receipts:
        receipts.begin(7)
        assert read_receipts(receipts.path).working == 7
        receipts.handing(7)
        assert read_receipts(receipts.path).working == 0  # in doubt says more
        receipts.outcome(Outcome(7, Verdict.SENT, 250, "queued"))
        receipts.begin(8)
        receipts.begin(0)
        assert read_receipts(receipts.path).working == 0


def test_a_revoked_owner_hands_nothing_over(tmp_path: Path) -> None:
    with Receipts(tmp_path, "stopped") as receipts:
        receipts.handing(1)
        revoke(tmp_path, "stopped")
        with pytest.raises(Revoked):
            receipts.handing(2)
        assert read_receipts(receipts.path).handed == {1, 2}  # no dot of 2: at worst it is doubted
        receipts.close(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_a_dead_owner_is_forgotten_whole(tmp_path: Path) -> None:
    write(tmp_path)
    revoke(tmp_path, "gone")
    assert dead_owners(tmp_path) == ["gone"]
    forget_owner(tmp_path, "gone")
    assert list(tmp_path.iterdir()) == []
