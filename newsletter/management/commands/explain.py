"""manage.py explain EMAIL PAPER: why this reader got, or did not get, this paper."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.explanations import Explanation, ExplanationError, InterestVerdict, explain_pair
from newsletter.lookup import LookupFailed, find_paper, find_reader
from newsletter.outcomes import show_day, show_instant
from subscribers.services import ReaderError


class Command(BaseCommand):
    help = "Print why a reader got, or did not get, a paper: the ledger first, then each interest."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="the reader's address")
        parser.add_argument(
            "paper",
            metavar="PAPER",
            help="its number, arXiv id, DOI, an address of these, or words of its title",
        )
        parser.add_argument("--json", action="store_true", help="print a JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            reader_id, paper_id = find_reader(options["email"]), find_paper(options["paper"])
            found = explain_pair(reader_id, paper_id, timezone.now())
        except (LookupFailed, ReaderError, ExplanationError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found.as_dict(), ensure_ascii=False))
            return
        for line in describe(found):
            self.stdout.write(line)


def describe(found: Explanation) -> list[str]:
    """Return the explanation as lines."""
    lines = [f"{found.email}: “{found.title}”", found.sentence, ""]
    for one in found.interests:
        lines.extend(describe_interest(one))
    lines.append("")
    if found.edition:
        lines.append(f"edition   {show_day(found.edition)}")
    if found.delivery_id:
        code = f" {found.code}" * bool(found.code)
        detail = f" {found.detail}" * bool(found.detail)
        lines.append(f"letter    number {found.delivery_id}, {found.state}{code}{detail}")
    if found.at:
        lines.append(f"instant   {show_instant(found.at)}")
    if found.rank:
        lines.append(f"rank      {found.rank} of {found.matched}, score {found.score:.1f}")
    lines.append(f"cap       {found.cap} papers per letter")
    return lines


def describe_interest(one: InterestVerdict) -> list[str]:
    head = f"{'yes' if one.matches else 'no ':<4}{'★ ' * (one.weight > 1)}{one.text}"
    if one.since:
        head += "  (added after that letter)"
    return [head, *(f"      {said}" for said in (one.places or one.why_not))]
