"""Whether the web server on this machine lives: exits 0 or 1. The image has no curl."""

from __future__ import annotations

import os
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ADDRESS = "http://127.0.0.1:8000/healthz"


def main() -> int:
    host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip(" .*") or "localhost"
    request = Request(ADDRESS, headers={"Host": host})
    try:
        with urlopen(request, timeout=4) as answer:  # noqa: S310 (our own)
            return 0 if answer.status == 200 else 1
    except HTTPError as error:
        sys.stderr.write(f"{ADDRESS}: {error.code}\n")
    except OSError as error:
        sys.stderr.write(f"{ADDRESS}: {error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
