"""`manage.py translate CODE`: bring a language's texts up to date, or begin one."""

from __future__ import annotations

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from newsletter.paths import ROOT
from newsletter.translations import SOURCE, catalogue_path, list_languages, update_catalogue


class Command(BaseCommand):
    help = "Write the texts that pages and letters have now into locale/CODE, to be translated."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", nargs="*", help="a language such as fr or pt-br; none: all")

    def handle(self, *args: Any, **options: Any) -> None:
        codes = options["code"] or [code for code, _ in list_languages() if code != SOURCE]
        for code in codes:
            if not re.fullmatch(r"[a-z]{2,3}(-[a-z]{2,4})?", code) or code == SOURCE:
                raise CommandError(f"{code!r} is no code of another language: write fr or pt-br")
            done = update_catalogue(code)
            path = catalogue_path(code).relative_to(ROOT)
            self.stdout.write(f"{path}: {done.texts} texts, {done.missing} to translate")
