"""`manage.py test`: the gate. With arguments: pytest with those, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from django.core.management.base import BaseCommand

from newsletter.paths import ROOT

PYTEST = [sys.executable, "-m", "pytest"]


def list_steps() -> list[tuple[str, list[str]]]:
    """Return the gate's steps by name; pytest is last, so that its summary closes the output."""
    here = Path(sys.executable).parent
    return [
        ("ruff check", [str(here / "ruff"), "check"]),
        ("ruff format", [str(here / "ruff"), "format", "--check"]),
        ("mypy", [str(here / "mypy")]),
        ("lint-imports", [str(here / "lint-imports")]),
        (
            "migrations",
            [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        ),
        ("pytest", PYTEST),
    ]


class Command(BaseCommand):
    help = (
        "Run the gate: ruff, mypy, import-linter, makemigrations --check, pytest. "
        "With arguments, run pytest with them: manage.py test tests/unit -k name."
    )
    requires_system_checks = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Take every argument as pytest's; only the plain help is Django's."""
        if argv[2:] in (["-h"], ["--help"]):
            super().run_from_argv(argv)
        elif argv[2:]:
            sys.exit(subprocess.call([*PYTEST, *argv[2:]], cwd=ROOT))
        else:
            sys.exit(self.run_gate())

    def run_gate(self) -> int:
        """Run every step, whatever the others came to; return the exit status."""
        started = time.monotonic()
        failed = [name for name, command in list_steps() if not self.run_step(name, command)]
        took = f"{time.monotonic() - started:.0f} s"
        if failed:
            self.stdout.write(self.style.ERROR(f"Gate shut after {took}: {', '.join(failed)}"))
            return 1
        self.stdout.write(self.style.SUCCESS(f"Gate open after {took}"))
        return 0

    def run_step(self, name: str, command: list[str]) -> bool:
        """Run one step; show all of pytest's output, and the others' only where they fail."""
        self.stdout.write(f"{name:<14}", ending="\n" if command == PYTEST else "")
        self.stdout.flush()
        started = time.monotonic()
        if command == PYTEST:
            return subprocess.call(command, cwd=ROOT) == 0
        result = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        good = result.returncode == 0
        word = "ok" if good else self.style.ERROR("failed")
        self.stdout.write(f"{time.monotonic() - started:5.1f} s  {word}")
        if not good:
            self.stdout.write(result.stdout)
        return good
