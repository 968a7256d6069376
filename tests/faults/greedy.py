"""`manage.py tick` in little memory, where one reader's letter asks for more than there is."""

from __future__ import annotations

import os
import resource
from typing import Any

import django

MEMORY = 3 * 1024**3  # bytes of address space


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "newsletter.settings")
    django.setup()
    from django.core.management import call_command

    from newsletter import digests

    compose = digests.compose_share

    def ask_for_more(item: Any, share: Any, material: Any, *, even_empty: bool = False) -> Any:
        if share.reader.email.startswith("greedy"):
            bytearray(2 * MEMORY)
        return compose(item, share, material, even_empty=even_empty)

    digests.compose_share = ask_for_more
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    call_command("tick")


if __name__ == "__main__":
    main()
