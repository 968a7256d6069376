"""Where things are: the checkout, its file of settings, its var/. Imports nothing of ours."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def env_file() -> Path | None:
    """Return the file of settings: `.env`, or PAPER_ROUND_ENV_FILE (empty: none)."""
    name = os.environ.get("PAPER_ROUND_ENV_FILE")
    if name is None:
        return ROOT / ".env"
    return Path(name) if name else None


def var_directory() -> Path:
    """Return where data, secrets and receipts are: `var/`, or PAPER_ROUND_VAR."""
    return Path(os.environ.get("PAPER_ROUND_VAR") or ROOT / "var")
