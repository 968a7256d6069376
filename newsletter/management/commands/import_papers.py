"""manage.py import_papers: papers from files, whatever their format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from newsletter.management.commands.run_day import parse_day
from newsletter.papers import store_papers
from newsletter.sources.base import Listing, SourceError
from newsletter.sources.detect import load_file


class Command(BaseCommand):
    help = (
        "Store papers from saved Daily Papers pages, Hugging Face daily_papers JSON, CSV or JSON "
        "Lines; the format is told by the content. See docs/importing.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument(
            "--listed-on", metavar="DATE", help="the day these papers were listed, as YYYY-MM-DD"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        day = parse_day(options["listed_on"])
        listings: list[Listing] = []
        refused = 0
        for name in options["files"]:
            try:
                listing = load_file(read_bytes(name), day)
            except SourceError as error:
                self.stderr.write(f"{name}: {error}")
                refused += 1
                continue
            self.tell(name, listing)
            listings.append(listing)
        papers = [paper for listing in listings for paper in listing.papers]
        counts = store_papers(papers)
        if refused:
            self.stderr.write(
                f"{refused} of {len(options['files'])} files could not be read; "
                "nothing of them is stored"
            )
        self.stdout.write(str(counts))
        if refused:
            raise CommandError("mend the files named above, then import them again", returncode=1)

    def tell(self, name: str, listing: Listing) -> None:
        """Say what is unusual about a file that was read."""
        for refusal in listing.refusals:
            self.stderr.write(f"{name}: {refusal.where}: {refusal.reason}")
        undated = sum(paper.listed_on is None for paper in listing.papers)
        if undated:
            self.stderr.write(
                f"{name}: no listing day for {undated} papers: stored as archive, searchable but "
                "not mailed; --listed-on DATE gives them one"
            )


def read_bytes(name: str) -> bytes:
    """Return the file's content; `SourceError` where it cannot be read."""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}") from error
