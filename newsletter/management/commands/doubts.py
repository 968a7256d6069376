"""manage.py doubts: the letters in doubt, and the operator's word on them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.controls import park_in_doubt, resend_in_doubt
from newsletter.models import Delivery

SHOWN = 200  # letters of a list; the admin has them all


class Command(BaseCommand):
    help = (
        "List the letters in doubt: handed over or not, nobody knows. Look for the Message-ID in "
        "the relay's log, then --resend or --park them by number, or all of them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "letters", nargs="*", metavar="NUMBER", help="as listed, or the word all"
        )
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--resend", action="store_true", help="again, with the same Message-ID")
        which.add_argument("--park", action="store_true", help="never again, and no longer listed")

    def handle(self, *args: Any, **options: Any) -> None:
        resend, park, words = options["resend"], options["park"], options["letters"]
        if not (resend or park):
            if words:
                raise CommandError("say what is to become of them: --resend or --park")
            self.show()
            return
        numbers = read_numbers(words)
        done = resend_in_doubt(numbers) if resend else park_in_doubt(numbers, timezone.now())
        letters = "1 letter" if done == 1 else f"{done} letters"
        again = "goes out again" if done == 1 else "go out again"
        self.stdout.write(f"{letters} {again if resend else 'parked'}.")
        if rest := len(numbers) - done:
            self.stdout.write(f"{rest} of those named {'is' if rest == 1 else 'are'} not in doubt.")

    def show(self) -> None:
        rows = _in_doubt().select_related("subscriber", "edition").defer("edition__matched_queries")
        for letter in rows.order_by("pk")[:SHOWN]:
            self.stdout.write(f"{letter.pk}  {letter.edition.date}  {letter.subscriber.email}")
            self.stdout.write(f"    {letter.message_id}")
            again = settings.IN_DOUBT == "resend" and letter.doubts == 1
            follows = "is sent again by itself" if again else "waits for your word"
            self.stdout.write(f"    {letter.detail}; {follows}")
        number = _in_doubt().count()
        if number > SHOWN:
            self.stdout.write(f"and {number - SHOWN} more")
        self.stdout.write(f"{number} in doubt." if number else "No letter is in doubt.")


def read_numbers(words: list[str]) -> list[int]:
    """Return the letters' numbers; `CommandError` says the mend."""
    if words == ["all"]:
        return list(_in_doubt().values_list("pk", flat=True))
    wrong = [word for word in words if not (word.isascii() and word.isdecimal() and len(word) < 19)]
    if wrong or not words:
        what = f"{wrong[0]!r} is no letter's number" if wrong else "no letter is named"
        raise CommandError(f"{what}: write those that `manage.py doubts` lists, or all")
    return sorted({int(word) for word in words})


def _in_doubt() -> Any:
    return Delivery.objects.filter(state="in_doubt", parked_at__isnull=True)
