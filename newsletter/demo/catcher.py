"""The demo's mail server: takes every mail on 127.0.0.1, sends none on, keeps all in a Maildir.

`python -m newsletter.demo.catcher --maildir DIRECTORY --port NUMBER` (or `--fd`, a socket).
Each file is the message as it came, CRLF line ends, below its `X-Envelope-From` and
`X-Envelope-To`: one file per recipient.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

LOCALHOST = "127.0.0.1"
LARGEST = 50_000_000  # bytes

_numbers = count(1)


def make_maildir(maildir: Path) -> None:
    for name in ("tmp", "new", "cur"):
        (maildir / name).mkdir(mode=0o700, parents=True, exist_ok=True)


def store_mail(maildir: Path, sender: str, recipient: str, data: bytes) -> Path:
    """Put one mail into the Maildir: written in tmp, then moved to new, so never seen in part.

    Names sort by arrival.
    """
    name = f"{time.time_ns()}.P{os.getpid()}Q{next(_numbers)}.{socket.gethostname()}"
    envelope = f"X-Envelope-From: {sender}\r\nX-Envelope-To: {recipient}\r\n"
    part = maildir / "tmp" / name
    part.write_bytes(envelope.encode() + data)
    return part.rename(maildir / "new" / name)


class Catcher:
    """aiosmtpd's handler."""

    def __init__(self, maildir: Path) -> None:
        make_maildir(maildir)
        self.maildir = maildir

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        data = envelope.original_content or b""
        try:
            for recipient in envelope.rcpt_tos:
                store_mail(self.maildir, envelope.mail_from or "", recipient, data)
        except OSError as error:
            return f"452 4.3.1 not stored: {error.strerror}"
        return "250 2.0.0 Kept in the demo's inbox"


async def catch(maildir: Path, listener: socket.socket) -> None:
    """Take mail until SIGTERM or SIGINT."""
    handler = Catcher(maildir)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await loop.create_server(
        lambda: SMTP(
            handler, hostname="inbox.localhost", enable_SMTPUTF8=True, data_size_limit=LARGEST
        ),
        sock=listener,
    )
    await ended.wait()
    server.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m newsletter.demo.catcher", description=__doc__)
    parser.add_argument("--maildir", type=Path, required=True)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=int)
    where.add_argument("--fd", type=int, help="a socket that listens already")
    options = parser.parse_args(arguments)
    if options.fd is not None:
        listener = socket.socket(fileno=options.fd)
    else:
        listener = socket.create_server((LOCALHOST, options.port))
    asyncio.run(catch(options.maildir, listener))


if __name__ == "__main__":
    main()
