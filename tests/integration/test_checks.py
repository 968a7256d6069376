"""What `manage.py check` says of an installation."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from newsletter.checks import check_settings

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "SECRET_KEY": "0aUeTiOqWzk9Jx2mQ7vR4tLw8ZpN3cB6yH1sD5fG0aUeTiOqWzXxCcVvBb",
    "PAPER_ROUND_LINK_KEY": "l9Jx2mQ7vR4tLw8ZpN3cB6yH1sD5fG0aUeTiOqWzXxCcVvBb",
    "PAPER_ROUND_SITE_URL": "https://papers.example.org",
    "ALLOWED_HOSTS": "papers.example.org",
    "PAPER_ROUND_FROM_EMAIL": "Daily Papers <papers@example.org>",
    "EMAIL_URL": "submission://user:password@smtp.example.org",
    "PAPER_ROUND_POSTAL_ADDRESS": "Example Lab, 1 Example Street, Exampletown",
    "PAPER_ROUND_LIST_ID": "papers.example.org",
    "PAPER_ROUND_TRUST_PROXY": "1",
}


def check_deployment(tmp_path: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run `check --deploy` as an installation with these settings would."""
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "PAPER_ROUND_VAR": str(tmp_path),
        "PAPER_ROUND_ENV_FILE": "",
        **PRODUCTION,
        **changes,
    }
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_it_finds_nothing_in_an_installation_filled_in(tmp_path: Path) -> None:
    checked = check_deployment(tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "no issues (0 silenced)" in checked.stdout + checked.stderr


def test_it_names_every_omission_with_its_mend(tmp_path: Path) -> None:
    names = ["PAPER_ROUND_FROM_EMAIL", "EMAIL_URL", "PAPER_ROUND_POSTAL_ADDRESS"]
    names += ["PAPER_ROUND_LIST_ID", "PAPER_ROUND_SITE_URL"]
    checked = check_deployment(tmp_path, **dict.fromkeys(names, ""))
    assert checked.returncode == 1
    for name in names:
        assert re.search(rf"{name}\b[^\n]*\n\s+HINT: ", checked.stderr), name


def test_it_refuses_to_start_without_a_secret(tmp_path: Path) -> None:
    checked = check_deployment(tmp_path, SECRET_KEY="")
    assert checked.returncode == 1
    assert checked.stderr.startswith("manage.py: SECRET_KEY is not set: write a long random value")


def test_it_takes_several_relays(settings: Settings) -> None:
    settings.EMAIL_URL = "smtps://u:p@one.example?weight=3 smtps://u:p@two.example?weight=0"
    assert check_settings() == []


@pytest.mark.parametrize(
    ("name", "value", "identity"),
    [
        ("EMAIL_URL", "http://example.org", "paper.E001"),
        ("IN_DOUBT", "perhaps", "paper.E002"),
        ("SITE_URL", "papers.example.org", "paper.E003"),
    ],
)
def test_it_refuses_a_setting_that_cannot_be_used(
    settings: Settings, name: str, value: str, identity: str
) -> None:
    setattr(settings, name, value)
    assert [message.id for message in check_settings()] == [identity]
