"""The README names every command, setting and state there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from newsletter.models import Delivery
from subscribers.models import Subscriber

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Set by our own processes for each other, not by operators.
INTERNAL = {"PAPER_ROUND_EMBEDDED", "PAPER_ROUND_DEMO", "DATABASE_URL_FILE"}


def read_rows(heading: str) -> set[str]:
    """The first cells of the table under a heading of the README, without code marks."""
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    return {row.split()[0] for row in re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)}


def test_it_documents_every_command() -> None:
    commands = (ROOT / "newsletter/management/commands").glob("[a-z]*.py")
    assert read_rows("Operating") == {path.stem for path in commands}


def test_it_documents_every_setting() -> None:
    sources = "".join(
        (ROOT / "newsletter" / name).read_text(encoding="utf-8")
        for name in ("settings.py", "env.py", "bootstrap.py", "paths.py")
    )
    read = set(re.findall(r'env\.read_\w+\(\s*"([A-Z_]+)"', sources))
    read |= set(re.findall(r'environ\.get\("([A-Z_]+)"', sources))
    assert read_rows("Configuration") | INTERNAL == read | INTERNAL


def test_it_documents_every_state() -> None:
    for state in (*Delivery.State.values, *Subscriber.Status.values):
        assert re.search(rf"\b{state}\b", README), f"{state} is not in the README"


def test_its_links_lead_somewhere() -> None:
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
