"""Ports on this machine: bound before they are announced, so nothing can take them in between."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

LOCALHOST = "127.0.0.1"
FIRST = 8000
TRIES = 100


class PortError(RuntimeError):
    """The port cannot be had; the text says who has it, where known, and the mend."""


def listen_somewhere() -> socket.socket:
    """Return a socket that listens on a free port."""
    return socket.create_server((LOCALHOST, 0))


def listen_on(port: int) -> socket.socket:
    """Return a socket that listens on `port`; `PortError` where it is taken or not allowed."""
    try:
        listener = socket.create_server((LOCALHOST, port))
    except PermissionError as error:
        raise PortError(
            f"port {port} needs root's rights: choose one from 1024 to 65535 with --port"
        ) from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortError(describe_taken(port)) from error
    if port and is_taken_on_ipv6(port):  # "localhost" would lead browsers there
        listener.close()
        raise PortError(describe_taken(port))
    return listener


def listen_from_first() -> socket.socket:
    """Return a socket that listens on the first free port from 8000 on."""
    for port in range(FIRST, FIRST + TRIES):
        try:
            return listen_on(port)
        except PortError:
            continue
    raise PortError(f"ports {FIRST} to {FIRST + TRIES - 1} are all taken: name another with --port")


def is_taken_on_ipv6(port: int) -> bool:
    try:
        socket.create_server(("::1", port), family=socket.AF_INET6).close()
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False


def describe_taken(port: int) -> str:
    owner = find_owner(port)
    by = f" by {owner}" if owner else ""
    return f"port {port} is taken{by}: end that, or choose another with --port"


def find_owner(port: int) -> str:
    """Return "name (process 123)" of who listens on `port`; "" where it cannot be seen."""
    wanted = {f"socket:[{inode}]" for inode in listening_inodes(port)}
    for directory in Path("/proc").glob("[0-9]*") if wanted else ():
        try:
            if any(os.readlink(link) in wanted for link in (directory / "fd").iterdir()):
                name = (directory / "comm").read_text(encoding="utf-8", errors="replace").strip()
                return f"{name} (process {directory.name})"
        except OSError:
            continue  # ended meanwhile, or somebody else's
    return ""


def listening_inodes(port: int) -> set[str]:
    """Return the inodes of the sockets that listen on `port`, from Linux's table of them."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in (line.split() for line in lines):
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(fields[9])
    return inodes
