"""manage.py learn_synonyms: propose the acronyms that papers define."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from newsletter.acronyms import learn_synonyms


class Command(BaseCommand):
    help = (
        "Read the papers stored since the last time for acronyms they define, and propose in the "
        "admin those that enough papers agree on. Nothing counts before it is accepted there."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(str(learn_synonyms()))
