"""manage.py import_papers: papers from files, whatever their format, and by arXiv id."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.editions import site_date
from newsletter.importing import Reader, ReadFile, import_listings
from newsletter.management.commands.run_day import parse_day
from newsletter.named import fetch_named, is_named_paper
from newsletter.sources.base import Listing, SourceError
from newsletter.sources.detect import load_file


class Command(BaseCommand):
    help = (
        "Store papers from files: saved Daily Papers pages (text or HTML), Hugging Face "
        "daily_papers JSON, feeds and answers of other sources, BibTeX, RIS, CSV or JSON Lines; "
        "the format is told by the content. An arXiv id or address is fetched. See "
        "docs/importing.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="a file, or an arXiv id")
        parser.add_argument(
            "--listed-on", metavar="DATE", help="the day these papers were listed, as YYYY-MM-DD"
        )
        parser.add_argument(
            "--arxiv", default="", metavar="URL", help="where ids are asked for, instead of arXiv"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        readers = self.sources(options["files"], options["listed_on"], options["arxiv"])
        imported = import_listings(readers, self.tell)
        if imported.unread:
            self.stderr.write(f"{imported.unread} could not be read; nothing of them is stored")
        self.stdout.write(str(imported.counts))
        if imported.unread:
            raise CommandError("mend what is named above, then import it again", returncode=1)

    def sources(self, names: list[str], listed_on: str | None, arxiv: str) -> Iterator[Reader]:
        """What to read, one by one: each file, then all named papers at once."""
        day = parse_day(listed_on)
        named = [name for name in names if is_named_paper(name) and not Path(name).is_file()]
        for name in names:
            if name not in named:
                yield name, partial(load_named_file, name, day)
        if named:
            listed = day or site_date(timezone.now())
            yield "arXiv", partial(fetch_named, " ".join(named), listed, base=arxiv)

    def tell(self, file: ReadFile) -> None:
        """Say what is unusual about what was read."""
        if file.error:
            self.stderr.write(f"{file.name}: {file.error}")
        for refusal in file.refusals:
            self.stderr.write(f"{file.name}: {refusal.where}: {refusal.reason}")
        if file.undated:
            self.stderr.write(
                f"{file.name}: no listing day for {file.undated} papers: stored as archive, "
                "searchable but not mailed; --listed-on DATE gives them one"
            )


def load_named_file(name: str, day: date | None) -> Listing:
    return load_file(read_bytes(name), day)


def read_bytes(name: str) -> bytes:
    """Return the file's content; `SourceError` where it cannot be read."""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}") from error
