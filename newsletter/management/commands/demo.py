"""`manage.py demo`: the whole of Paper Round on this machine, with sample papers and readers."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from newsletter.demo import supervisor
from newsletter.paths import ROOT


class Command(BaseCommand):
    help = (
        "Run the whole of Paper Round here: sample papers, an inbox for every mail, no questions."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        supervisor.add_arguments(parser)

    def handle(
        self, *args: Any, port: int | None, live: list[str] | None, mirror: str, **options: Any
    ) -> None:
        """Hand over to manage.py: the demo sets the environment before the settings are read."""
        extra = [] if port is None else ["--port", str(port)]
        extra += [] if live is None else ["--live", *live]
        extra += ["--mirror", mirror] if mirror else []
        command = [sys.executable, str(ROOT / "manage.py"), "demo", *extra]
        os.execv(command[0], command)  # noqa: S606
