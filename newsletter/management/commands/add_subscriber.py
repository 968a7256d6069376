"""`manage.py add_subscriber reader@example.org --interest "diffusion models"`."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.synonyms import ReachOfInterest, describe_interests
from subscribers import fields, services
from subscribers.queries import read_readers


class Command(BaseCommand):
    help = "Add one reader, confirmed by you: their letters begin at the next chosen hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the reader's address")
        parser.add_argument(
            "--interest",
            nargs="+",
            action="extend",
            default=[],
            metavar="QUERY",
            help='one line of keywords each, such as "diffusion models" "LLM AND author:LeCun"',
        )
        parser.add_argument(
            "--starred",
            nargs="+",
            action="extend",
            default=[],
            metavar="QUERY",
            help="interests that weigh double",
        )
        parser.add_argument(
            "--exact",
            nargs="+",
            action="extend",
            default=[],
            metavar="QUERY",
            help="interests without synonyms: RL does not find reinforcement learning",
        )
        parser.add_argument("--timezone", default="UTC", help="an IANA name (default UTC)")
        parser.add_argument("--hour", default="8", help="8 or 8:30, in that zone (default 8)")
        parser.add_argument(
            "--weekdays", default="daily", help="daily, weekdays, or mon,tue,… (default daily)"
        )
        parser.add_argument("--papers", default="10", help="papers per letter, 1 to 30")
        parser.add_argument(
            "--similar",
            default="0",
            metavar="N",
            help="when fewer papers match, fill up to N with those like what the reader saved",
        )
        parser.add_argument(
            "--returning",
            action="store_true",
            help="the reader had unsubscribed and asked you to come back",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not any(options[name] for name in ("interest", "starred", "exact")):
            raise CommandError('no interest given: add --interest "diffusion models"')
        try:
            zone = fields.read_zone(options["timezone"])
            added = services.add_confirmed_subscriber(
                options["email"],
                options["interest"],
                zone,
                fields.read_hour(options["hour"]),
                fields.read_weekdays(options["weekdays"]),
                fields.read_papers(str(options["papers"])),
                starred=options["starred"],
                exact=options["exact"],
                source="manage.py add_subscriber",
                now=timezone.now(),
                returning=options["returning"],
                similar_up_to=fields.read_similar(str(options["similar"])),
            )
        except services.InterestError as error:
            raise CommandError(error.explain()) from error
        except services.ReaderError as error:
            raise CommandError(str(error)) from error
        first = added.next_send_at.astimezone(ZoneInfo(zone))
        self.stdout.write(f"{added.email} is a confirmed reader, number {added.id}")
        for interest in describe_interests(read_readers([added.id])[added.id].interests):
            self.stdout.write(f"  interest: {interest.text}")
            if interest.also_finds:
                self.stdout.write(f"    {tell_reach(interest)}")
        self.stdout.write(f"  first letter: {first:%A %Y-%m-%d %H:%M}, {zone}")


def tell_reach(interest: ReachOfInterest) -> str:
    """Return what an interest also finds, or that it is to find nothing else."""
    others = ", ".join(interest.also_finds)
    return f"also finds: {others}" if interest.expand else f"does not find: {others}"
