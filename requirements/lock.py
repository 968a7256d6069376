"""Write the hash-pinned locks from pyproject.toml; needs uv on PATH.

run.txt is what every installation needs; embedded.txt and dev.txt hold only what their extra adds,
so that `pip install -r run.txt -r embedded.txt -r dev.txt` never names a package twice.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OPTIONS = "-q --universal --generate-hashes --no-header --no-annotate --only-binary :all:"
COMPILE = ["uv", "pip", "compile", *OPTIONS.split(" "), "--python-version", "3.11"]
ENTRY = re.compile(r"^(?=[A-Za-z0-9])", re.MULTILINE)


def compile_lock(*arguments: str) -> list[str]:
    """Return the entries of one resolution: a package, its version and its hashes each."""
    command = [*COMPILE, *sys.argv[1:], str(HERE.parent / "pyproject.toml"), *arguments]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [entry for entry in ENTRY.split(text) if entry.strip()]


def main() -> None:
    run = compile_lock()
    embedded = compile_lock("--extra", "embedded")
    everything = compile_lock("--extra", "embedded", "--extra", "dev")
    missing = [entry.split()[0] for entry in (*run, *embedded) if entry not in everything]
    if missing:
        sys.exit(f"the extras resolve {missing} differently: pin them in pyproject.toml")
    (HERE / "run.txt").write_text("".join(run))
    (HERE / "embedded.txt").write_text("".join(e for e in embedded if e not in run))
    (HERE / "dev.txt").write_text("".join(e for e in everything if e not in embedded))


if __name__ == "__main__":
    main()
