"""The judges that are not Python: axe-core, the Nu HTML checker, Lighthouse.

`.ci/run` installs them with npm and says where in JUDGES_DIR; by hand: `npm install --prefix
var/judges axe-core@… vnu-jar@… lighthouse@…` with the versions it names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from newsletter.paths import ROOT
from tests.browser.demosite import CHROMIUM

FOLDER = Path(os.environ.get("JUDGES_DIR") or ROOT / "var" / "judges") / "node_modules"
AXE = FOLDER / "axe-core" / "axe.min.js"
VNU = FOLDER / "vnu-jar" / "build" / "dist" / "vnu.jar"
LIGHTHOUSE = FOLDER / "lighthouse" / "cli" / "index.js"
JAVA, NODE = shutil.which("java"), shutil.which("node")


def why_not(*needed: Path | str | None) -> str:
    """Return "" where all that is needed is here, else what a skipped test says."""
    if not all(needed):
        return "needs Chromium, Java or Node: .ci/run installs them"
    for path in needed:
        if isinstance(path, Path) and not path.exists():
            return f"{path.name} is not in JUDGES_DIR ({FOLDER.parent}): .ci/run installs it"
    return ""


def check_html(pages: dict[str, str], folder: Path) -> list[str]:
    """Return what the Nu HTML checker calls an error in these pages: {name: HTML}."""
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    files = [str(folder / f"{name}.html") for name in pages]
    done = subprocess.run(
        [str(JAVA), "-jar", str(VNU), "--format", "json", "--exit-zero-always", *files],
        capture_output=True,
        text=True,
        timeout=180,
    )
    messages: list[dict[str, Any]] = json.loads(done.stderr)["messages"]
    return [
        f"{Path(one.get('url', '')).stem}:{one.get('lastLine')}: {one['message']} "
        f"{one.get('extract', '')!r}"
        for one in messages
        if one["type"] != "info" or one.get("subType") == "fatal"
    ]


def run_lighthouse(url: str, folder: Path) -> dict[str, Any]:
    """Return Lighthouse's report on a page, as for a phone."""
    report = folder / "lighthouse.json"
    command = [str(NODE), str(LIGHTHOUSE), url, "--quiet", "--output=json"]
    command += [f"--output-path={report}", "--only-categories=performance,accessibility"]
    command += ["--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-quic"]
    environment = {**os.environ, "CHROME_PATH": CHROMIUM}
    subprocess.run(command, env=environment, capture_output=True, timeout=180, check=True)
    result: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return result
