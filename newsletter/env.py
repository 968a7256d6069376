"""The one typed reader of the environment.

Every setting is read here by name, kind and default, and nowhere else. `NAME_FILE` may name a file
that holds the value, for secrets mounted by Docker and systemd. A `.env` beside manage.py is read
first; the real environment wins over it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import available_timezones

import environ

from newsletter.looks import parse_colour
from newsletter.paths import env_file, var_directory

VAR: Path = var_directory()

TRUE = {"1", "true", "yes", "on"}
UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
FALSE = {"0", "false", "no", "off", ""}


class SettingError(ValueError):
    """A setting has a value that cannot be used; the text says which, what, and the mend."""


def read_dotenv() -> None:
    """Add the names of `.env` to the environment, keeping what is already set.

    PAPER_ROUND_ENV_FILE names another file; empty, none is read (the demo and the tests).
    """
    path = env_file()
    if path is not None and path.is_file():
        environ.Env.read_env(path)


def read_text(name: str, default: str = "") -> str:
    """Return the value of `name`, or of the file `name_FILE` points at, or `default`."""
    if value := os.environ.get(name):
        return value
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"{name}_FILE={path} cannot be read: {error.strerror}") from error
    return default


def read_bool(name: str, default: bool) -> bool:
    """Return `name` as a truth value; `SettingError` for anything but yes and no words."""
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE:
        return True
    if value.strip().lower() in FALSE:
        return False
    raise SettingError(f"{name}={value!r} is neither true nor false: write 1 or 0")


def read_int(name: str, default: int, low: int, high: int) -> int:
    """Return `name` as a whole number from `low` to `high`."""
    value = read_text(name, str(default))
    try:
        number = int(value)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise SettingError(f"{name}={value!r}: write a whole number from {low} to {high}")
    return number


def read_percent(name: str, default: str) -> float:
    """Return `name`, written like 0.2, as a number from 0 to 100."""
    value = read_text(name, default)
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise SettingError(f"{name}={value!r}: write a number from 0 to 100, such as 0.2")
    return number


def read_durations(name: str, default: str) -> tuple[timedelta, ...]:
    """Return `name`, written as numbers with s, m or h ("5m 15m 1h"), as spans of time."""
    value = read_text(name, default)
    spans = []
    for word in value.split():
        if word[-1] not in UNITS or not word[:-1].isdecimal() or not int(word[:-1]):
            raise SettingError(f"{name}={value!r}: {word!r} is no span, write one like 30s, 5m, 6h")
        spans.append(int(word[:-1]) * UNITS[word[-1]])
    return tuple(spans)


def read_limits(name: str, default: str) -> dict[str, tuple[int, timedelta]]:
    """Return `name`, written "gmail.com=2/s,example.org=500/h", as {domain: (letters, per)}."""
    limits = {}
    for item in read_text(name, default).split(","):
        domain, _, rate = item.strip().lower().partition("=")
        number, _, unit = rate.partition("/")
        if not item.strip():
            continue
        if not domain or not number.isdecimal() or not int(number) or unit not in UNITS:
            raise SettingError(
                f"{name}: {item.strip()!r} is no limit, write one like gmail.com=2/s (or /m, /h)"
            )
        limits[domain] = (int(number), UNITS[unit])
    return limits


def read_time(name: str, default: str) -> time:
    """Return `name`, written HH:MM, as a time of day."""
    value = read_text(name, default)
    try:
        return time.fromisoformat(value)
    except ValueError as error:
        raise SettingError(f"{name}={value!r}: write a time of day as HH:MM") from error


def read_zone(name: str, default: str) -> str:
    """Return `name` as an IANA time zone name."""
    value = read_text(name, default)
    if value not in available_timezones():
        raise SettingError(f"{name}={value!r} is no IANA time zone: write one like Europe/Paris")
    return value


def read_choice(name: str, default: str, choices: Sequence[str]) -> str:
    """Return `name`, which must be one of `choices`."""
    value = read_text(name, default)
    if value not in choices:
        raise SettingError(f"{name}={value!r} is not known: write one of {', '.join(choices)}")
    return value


def read_colour(name: str, default: str) -> str:
    """Return `name`, written #RRGGBB, in lower case."""
    try:
        return parse_colour(read_text(name, default))
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from error


def read_list(name: str) -> list[str]:
    """Return `name`, separated by commas, as a list without empty items."""
    return [item.strip() for item in read_text(name).split(",") if item.strip()]


def read_endpoints(name: str) -> list[tuple[str, int]]:
    """Return `name`, HOST:PORT separated by commas, as pairs."""
    found = []
    for item in read_list(name):
        host, _, port = item.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise SettingError(f"{name}: {item!r} is no HOST:PORT, such as mirror.example:8080")
        found.append((host.strip("[]").lower(), int(port)))
    return found


def read_database(url: str) -> dict[str, Any]:
    """Return Django's DATABASES entry for a `postgresql://` URL; anything else is refused."""
    config: dict[str, Any] = environ.Env.db_url_config(url)
    if config.get("ENGINE") != "django.db.backends.postgresql":
        scheme = url.split(":", 1)[0]
        raise SettingError(
            f"DATABASE_URL begins with {scheme!r}: Paper Round needs PostgreSQL, "
            "write postgresql://USER:PASSWORD@HOST:5432/NAME"
        )
    config["HOST"] = unquote(config["HOST"])  # a socket's directory is written %2Frun%2Fpostgresql
    return config


def read_secret(name: str, *, generate: bool) -> str:
    """Return the secret `name`; where it may be generated, make it once and keep it under var/."""
    if value := read_text(name):
        return value
    if not generate:
        raise SettingError(
            f"{name} is not set: write a long random value into {name} or {name}_FILE"
        )
    path = VAR / name.lower()
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        pass
    VAR.mkdir(mode=0o700, parents=True, exist_ok=True)
    value = secrets.token_urlsafe(48)
    try:
        with open(path, "x", encoding="utf-8", opener=_open_private) as file:
            file.write(value)
    except FileExistsError:  # another process was faster: its value is the one
        return path.read_text(encoding="utf-8")
    return value


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
