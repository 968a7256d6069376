"""manage.py complaint: a provider's reports of readers who called a letter spam."""

from __future__ import annotations

import contextlib
import mailbox
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from newsletter.complaints import take_report
from newsletter.mail.reports import LARGEST
from newsletter.redaction import ADDRESS

# As sysexits.h has them: a mail server that pipes a report here keeps it and tries again after 75.
DATA_ERROR, NO_INPUT, TRY_AGAIN = 65, 66, 75
MBOX = b"From "
STDIN = "-"


class Command(BaseCommand):
    help = (
        "Record providers' feedback reports (RFC 5965), from files, mbox files, Maildirs or "
        "standard input: the reader is unsubscribed, the address suppressed, and an edition that "
        "many complain of pauses. Says what became of each. See docs/operating.md."
    )
    requires_system_checks = ()  # a mail server would take their failure for the report's

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "files", nargs="*", default=[STDIN], metavar="FILE", help="or - for one on stdin"
        )
        parser.add_argument(
            "--trust-address",
            action="store_true",
            help="where a report has nothing that only our letter had, believe the address it "
            "names; only for files you have looked at",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        trusted: bool = options["trust_address"]
        if trusted and STDIN in options["files"]:
            raise CommandError("--trust-address is for files you have looked at: name them")
        code = 0
        for name in options["files"]:
            code = max(code, self.take(name, trusted))
        if code:
            raise CommandError("look at what is named above", returncode=code)

    def take(self, name: str, trusted: bool) -> int:
        """Record the reports of one argument, saying what became of each; return the exit code."""
        code = 0
        shown = "standard input" if name == STDIN else ADDRESS.sub("[address]", name)
        try:
            for where, data in read_reports(name):
                intake = take_report(data, timezone.now(), trust_address=trusted)
                out = self.stdout if intake.settled else self.stderr
                out.write(ADDRESS.sub("[address]", f"{shown}{where}: {intake.text}"))
                code = code if intake.settled else DATA_ERROR
        except OSError as error:
            self.stderr.write(f"{shown}: cannot be read: {error.strerror}: check name and rights")
            return NO_INPUT
        except (OperationalError, InterfaceError) as error:
            why = f"{shown}: not recorded: the database is away or busy; give it again"
            raise CommandError(why, returncode=TRY_AGAIN) from error
        return code


def read_reports(name: str) -> Iterator[tuple[str, bytes]]:
    """Yield the mails of standard input, a file, an mbox file or a Maildir, and where each was.

    No more of a mail is read than shows that it is too long. Raises OSError.
    """
    path = Path(name)
    if name == STDIN:
        yield "", _read(sys.stdin.buffer)
        while sys.stdin.buffer.read(LARGEST):  # who writes must not find the pipe closed
            pass
    elif path.is_dir():
        files = [file for folder in ("new", "cur") for file in (path / folder).iterdir()]
        for file in sorted(files):
            with file.open("rb") as stream:
                yield f"/{file.parent.name}/{file.name}", _read(stream)
    else:
        with path.open("rb") as stream:
            data = _read(stream)
        if not data.startswith(MBOX):
            yield "", data
            return
        with contextlib.closing(mailbox.mbox(path, create=False)) as box:
            for number, key in enumerate(box.keys(), 1):
                with box.get_file(key) as mail:
                    yield f", mail {number}", _read(mail)


def _read(stream: BinaryIO | Any) -> bytes:
    data: bytes = stream.read(LARGEST + 1)
    return data
