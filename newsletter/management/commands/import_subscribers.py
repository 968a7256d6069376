"""`manage.py import_subscribers readers.csv`."""

from __future__ import annotations

import codecs
import csv
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.utils import timezone

from subscribers.imports import Counts, import_readers
from subscribers.tables import REPORT, FileError, Refusal, Table, escape_formula, read_table

INTERRUPTED = 130  # as shells report SIGINT
SAVE_AS = "save it as CSV UTF-8"
NOT_UTF8 = f"is not in UTF-8: {SAVE_AS}"


class Command(BaseCommand):
    help = "Add the readers of a CSV file, confirmed by you; refused rows go to a second file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            help="CSV in UTF-8: email, interests (separated by ;), timezone, hour, "
            "and if you like weekdays, papers_per_letter",
        )
        parser.add_argument(
            "--report", type=Path, help="where refused rows go (default FILE.refused.csv)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        report: Path = options["report"] or path.with_name(f"{path.stem}.refused.csv")
        progress = _Progress(self.stderr)
        try:
            counts = _import_file(path, report, progress)
        except FileError as error:
            raise CommandError(f"{path}: {error}") from error
        except KeyboardInterrupt as error:
            mend = f"{progress.added:,} were added, run the same command again to go on"
            raise CommandError(f"interrupted: {mend}", returncode=INTERRUPTED) from error
        see = f" (see {report})" if counts.refused else ""
        self.stdout.write(
            f"{counts.rows:,} readers: {counts.added:,} added, {counts.refused:,} refused{see}"
        )


def _import_file(path: Path, report: Path, progress: _Progress) -> Counts:
    try:
        if path.is_file():
            _refuse_other_encodings(path)
        with path.open(encoding="utf-8-sig", newline="") as lines:
            table = read_table(lines)
            with _Refused(path, report, table) as refused:

                def show(counts: Counts) -> None:
                    refused.flush()
                    progress.show(counts)

                return import_readers(
                    table,
                    source=f"manage.py import_subscribers {path.name}",
                    clock=timezone.now,
                    refuse=refused.write,
                    report=show,
                )
    except OSError as error:
        raise FileError(f"{error.strerror}: check the file, its rights and the disk") from error
    except UnicodeDecodeError as error:
        raise FileError(NOT_UTF8) from error
    finally:
        progress.end()


def _refuse_other_encodings(path: Path) -> None:
    """Read the file once before anything is stored: half an import helps nobody."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            if b"\0" in chunk:
                raise FileError(f"holds zero bytes, so it is no CSV in UTF-8: {SAVE_AS}")
            decoder.decode(chunk)
        decoder.decode(b"", final=True)


class _Refused:
    """The report of refused rows; a file without any is not kept."""

    def __init__(self, path: Path, report: Path, table: Table) -> None:
        if report.resolve() == path.resolve():
            raise FileError("is also the report: name another file with --report")
        self.path = report
        try:
            self.file = report.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise FileError(
                f"the report {report} cannot be written ({error.strerror}): name one with --report"
            ) from error
        self.writer = csv.writer(self.file, quoting=csv.QUOTE_ALL)
        self.writer.writerow([*REPORT, *(name for name in table.columns if name not in REPORT)])
        self.rows = 0

    def __enter__(self) -> _Refused:
        return self

    def __exit__(self, *args: object) -> None:
        self.file.close()
        if not self.rows:
            self.path.unlink(missing_ok=True)

    def write(self, refusal: Refusal) -> None:
        self.rows += 1
        cells = [str(refusal.line), refusal.reason, *refusal.cells]
        self.writer.writerow([escape_formula(cell) for cell in cells])

    def flush(self) -> None:
        self.file.flush()


class _Progress:
    """Rows and rows per second, on a terminal, once a second."""

    def __init__(self, stream: OutputWrapper) -> None:
        self.stream = stream
        self.started = self.shown_at = time.monotonic()
        self.added = 0
        self.is_shown = False

    def show(self, counts: Counts) -> None:
        self.added = counts.added
        now = time.monotonic()
        if not self.stream.isatty() or now - self.shown_at < 1:
            return
        self.shown_at, self.is_shown = now, True
        rate = counts.rows / (now - self.started)
        self._write(f"\r{counts.rows:,} rows, {rate:,.0f} rows/s, {counts.refused:,} refused ")

    def end(self) -> None:
        if self.is_shown:
            self._write("\n")

    def _write(self, text: str) -> None:
        self.stream.write(text, style_func=str, ending="")
        self.stream.flush()
