"""Were the promises kept? Judged from two things only: the relay's accept log, and the ledger.

Nothing of the product is imported. What the log accepted is what went out; what the tables say is
what is claimed. Run alone: `python -m tests.faults.checker accepted.jsonl postgresql://…`.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

import psycopg

# The row's instant is written before its commit, and a letter between its RCPT and its dot is not
# called back: who leaves in that moment may get that one letter.
GRACE = timedelta(seconds=1)
DONE = {"sent", "failed", "cancelled", "empty", "in_doubt"}
LETTERS = """
SELECT d.id, d.subscriber_id, s.email, d.state, d.doubts, d.message_id, d.covers_from, e.date,
  d.detail, d.code, d.finished_at, d.picks
FROM newsletter_delivery d JOIN subscribers_subscriber s ON s.id = d.subscriber_id
  JOIN newsletter_edition e ON e.id = d.edition_id ORDER BY d.id
"""
LEFT = """
SELECT s.email, max(c.at) FROM subscribers_consentevent c
  JOIN subscribers_subscriber s ON s.id = c.subscriber_id
WHERE c.kind = 'unsubscribed' AND s.status = 'unsubscribed' GROUP BY 1
"""
READERS = """
SELECT s.email, s.covered_until FROM subscribers_subscriber s WHERE s.status = 'confirmed'
  AND NOT EXISTS (SELECT 1 FROM newsletter_delivery d
    WHERE d.subscriber_id = s.id AND d.detail = 'suppressed')
"""
STRANGERS = """
SELECT s.email FROM subscribers_subscriber s WHERE s.status = 'unconfirmed' AND NOT EXISTS (
  SELECT 1 FROM subscribers_consentevent c WHERE c.subscriber_id = s.id AND c.kind = 'confirmed')
"""
EDITIONS = "SELECT date FROM newsletter_edition WHERE matched_at IS NOT NULL ORDER BY 1"


@dataclass(frozen=True)
class Mail:
    """One acceptance by the relay."""

    recipient: str
    message_id: str
    at: datetime
    to: str
    token: str  # of the reader's own link to unsubscribe
    papers: frozenset[int]  # as the text part links them


@dataclass
class Letter:
    """One row of the ledger, and how often the relay accepted it."""

    id: int
    email: str
    state: str
    doubts: int
    message_id: str
    covers_from: date
    day: date
    detail: str
    code: int | None
    finished_at: datetime | None
    picks: list[list[Any]]
    accepted: int = 0


@dataclass
class Report:
    """What was found. `broken` is empty where every promise was kept."""

    accepted: int = 0
    letters: int = 0
    states: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0  # second copies, each of a letter that was in doubt
    in_doubt: list[int] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        states = ", ".join(f"{number} {state}" for state, number in sorted(self.states.items()))
        lines = [
            f"{self.accepted} accepted by the relay; {self.letters} letters: {states}",
            (
                f"{self.duplicates} second copies, all of letters in doubt; still in doubt: "
                f"{', '.join(map(str, self.in_doubt)) or 'none'}"
            ),
        ]
        return "\n".join([*lines, *(f"BROKEN: {one}" for one in self.broken[:20])])


def check(
    log: Path,
    connection: psycopg.Connection[Any],
    *,
    finished: bool = True,
    everyone: bool = False,
) -> Report:
    """Return what the log and the ledger say; with `finished` nothing may still wait.

    `everyone`: every edition was planned for every reader, whatever their hour.
    """
    mails = list(read_log(log))
    letters = [Letter(row[0], *row[2:]) for row in connection.execute(LETTERS).fetchall()]
    report = Report(accepted=len(mails), letters=len(letters))
    report.states.update(letter.state for letter in letters)
    report.in_doubt = [letter.id for letter in letters if letter.state == "in_doubt"]
    _match_mails(mails, letters, report)
    for letter in letters:
        _check_letter(letter, report, finished=finished)
    _check_contents(mails, letters, report)
    _check_leavers(mails, dict(connection.execute(LEFT).fetchall()), report)
    _check_refused(mails, letters, report)
    strangers = {row[0] for row in connection.execute(STRANGERS).fetchall()}
    report.broken += [
        f"UNASKED: {mail.message_id} to who never confirmed"
        for mail in mails
        if mail.recipient in strangers
    ]
    editions = [row[0] for row in connection.execute(EDITIONS).fetchall()]
    readers = connection.execute(READERS).fetchall()
    _check_coverage(letters, readers, editions, report)
    if everyone and editions:
        report.broken += [
            f"FORGOTTEN: one reader had nothing after {covered}, the last edition is {editions[-1]}"
            for _, covered in readers
            if covered != editions[-1]
        ]
    return report


def read_log(path: Path) -> Iterable[Mail]:
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        headers = BytesHeaderParser().parsebytes(entry["data"].encode("latin-1"))
        at = datetime.fromtimestamp(entry["at"], UTC)
        text = re.sub(r"=\r?\n", "", entry["data"].partition("Content-Type: text/html")[0])
        found = re.search(r"/u/([\w-]+)>", str(headers["List-Unsubscribe"]))
        yield Mail(
            entry["recipient"],
            str(headers["Message-ID"]),
            at,
            str(headers["To"]),
            found[1] if found else "",
            frozenset(int(key) for key in re.findall(r"/p/(\d+)\b", text)),
        )


def _match_mails(mails: list[Mail], letters: list[Letter], report: Report) -> None:
    """Every accepted mail is a letter of the ledger, to its own reader."""
    by_id: dict[str, list[Letter]] = defaultdict(list)
    for letter in letters:
        if letter.message_id:
            by_id[letter.message_id].append(letter)
    for mail in mails:
        mine = [one for one in by_id[mail.message_id] if one.email == mail.recipient]
        if len(mine) != 1:
            report.broken.append(f"the relay has {mail.message_id}, of {len(mine)} letters")
        for letter in mine:
            letter.accepted += 1


def _check_letter(letter: Letter, report: Report, *, finished: bool) -> None:
    """No letter is lost, none has a copy without a doubt, none waits at the end."""
    name = f"letter {letter.id} ({letter.state}, {letter.doubts} doubts, {letter.detail!r})"
    if letter.state == "sent" and not letter.accepted:
        report.broken.append(f"LOST: {name} was never accepted")
    if letter.accepted > 1 + min(letter.doubts, 1):
        report.broken.append(f"DUPLICATE: {name} was accepted {letter.accepted} times")
    elif letter.accepted > 1:
        report.duplicates += letter.accepted - 1
    if letter.accepted and letter.state not in {"sent", "in_doubt"} and not letter.doubts:
        report.broken.append(f"UNKNOWN: {name} was accepted, and the ledger does not say so")
    if letter.state == "in_doubt" and not letter.doubts:
        report.broken.append(f"{name} is in doubt without a reason")
    if finished and letter.state not in DONE:
        report.broken.append(f"STUCK: {name}")


def _check_contents(mails: list[Mail], letters: list[Letter], report: Report) -> None:
    """Each mail is its own reader's, carries what the ledger says, and no paper comes twice."""
    rows = {letter.message_id: letter for letter in letters}
    owners: dict[str, str] = {}
    carried: dict[tuple[str, int], str] = {}
    for mail in mails:
        if mail.to != mail.recipient or owners.setdefault(mail.token, mail.to) != mail.to:
            report.broken.append(f"MIXED UP: {mail.message_id} has the parts of another reader")
        letter = rows.get(mail.message_id)
        if letter and mail.papers != {pick[0] for pick in letter.picks}:
            report.broken.append(f"OTHER PAPERS: {mail.message_id} than the ledger says")
        for paper in mail.papers:
            before = carried.setdefault((mail.recipient, paper), mail.message_id)
            if before != mail.message_id:
                report.broken.append(f"AGAIN: paper {paper} in {before} and {mail.message_id}")


def _check_refused(mails: list[Mail], letters: list[Letter], report: Report) -> None:
    """Nothing was accepted for an address after the relay said that it does not exist."""
    gone = {
        letter.email: letter.finished_at
        for letter in letters
        if letter.state == "failed" and letter.detail.startswith("5.1.")
    }
    for mail in mails:
        if (since := gone.get(mail.recipient)) and mail.at > since:
            report.broken.append(f"AFTER REFUSAL: {mail.message_id}")


def _check_leavers(mails: list[Mail], left: dict[str, datetime], report: Report) -> None:
    """Nothing was accepted for who had left before."""
    for mail in mails:
        gone = left.get(mail.recipient)
        if gone is not None and mail.at > gone + GRACE:
            late = (mail.at - gone).total_seconds()
            report.broken.append(f"AFTER UNSUBSCRIBE: {mail.message_id}, {late:.3f} s later")


def _check_coverage(
    letters: list[Letter], readers: list[tuple[Any, ...]], editions: list[date], report: Report
) -> None:
    """Every reader who stayed has every edition up to the cursor in exactly one letter."""
    covering: dict[str, list[Letter]] = defaultdict(list)
    for letter in letters:
        if letter.state != "cancelled":
            covering[letter.email].append(letter)
    for email, covered_until in readers:
        for day in editions:
            if covered_until is None or day > covered_until:
                continue
            mine = [one for one in covering[email] if one.covers_from <= day <= one.day]
            if len(mine) != 1:
                report.broken.append(f"edition {day} is in {len(mine)} letters of one reader")


def main() -> None:
    log, url = Path(sys.argv[1]), sys.argv[2]
    with psycopg.connect(url) as connection:
        report = check(log, connection)
    sys.stdout.write(f"{report}\n")
    raise SystemExit(1 if report.broken else 0)


if __name__ == "__main__":
    main()
