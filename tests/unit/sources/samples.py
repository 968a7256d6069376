"""Where the samples of these tests lie."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data" / "sources"
SHARED = ROOT.parent / "shared" / "papers"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the shared pages are not here: {SHARED}"
)


def read_sample(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


def read_bytes(name: str) -> bytes:
    return (DATA / name).read_bytes()


def read_shared(name: str) -> str:
    return (SHARED / name).read_text(encoding="utf-8")
