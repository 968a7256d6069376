"""The limits that `bench letters` measures beside: a sink, the plainest clients, a longer line."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

SENDER, RECIPIENT = "papers@example.org", "reader@reader.example"
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_OFFER = b"250-sink\r\n250-PIPELINING\r\n250 SIZE 100000000\r\n"


@contextmanager
def open_sink() -> Iterator[tuple[int, str]]:
    """Run an SMTP server that throws mail away; yield its port and whose it is."""
    port = free_port()
    if tool := shutil.which("smtp-sink", path=_PATH):
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        command = [tool, *user, f"127.0.0.1:{port}", "1000"]
    else:
        command = [sys.executable, "-m", __name__, "sink", str(port)]
    with running(command, port):
        yield port, "Postfix's smtp-sink" if tool else "a sink in Python"


@contextmanager
def open_line(port: int, milliseconds: float) -> Iterator[int]:
    """Run a proxy to `port` with so long a round trip; yield its port, or `port` for none."""
    if not milliseconds:
        yield port
        return
    front = free_port()
    arguments = ["line", str(front), str(port), str(milliseconds)]
    with running([sys.executable, "-m", __name__, *arguments], front):
        yield front


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[None]:
    """Run a server until the block ends; it listens when the block begins."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _await_port(port)
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


def _await_port(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing listens on port {port} after five seconds")


def measure_source(port: int, letters: int, size: int) -> float | None:
    """Return the letters/s of Postfix's smtp-source over eight kept connections, if it is here."""
    tool = shutil.which("smtp-source", path=_PATH)
    if tool is None:
        return None
    options = ["-d", "-m", str(letters), "-s", "8", "-l", str(size)]
    started = time.perf_counter()
    subprocess.run([tool, *options, f"inet:127.0.0.1:{port}"], check=True)
    return letters / (time.perf_counter() - started)


def measure_wire(port: int, bodies: Sequence[bytes], letters: int) -> float:
    """Return the letters/s of finished letters over one connection, in groups, nothing checked."""
    mail = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n".encode()
    wires = [body.replace(b"\r\n.", b"\r\n..") + b".\r\n" + mail for body in bodies]
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = link.makefile("rb")
        replies.readline()
        link.sendall(b"EHLO bench\r\n")
        while replies.readline()[3:4] == b"-":
            pass
        started = time.perf_counter()
        link.sendall(mail)
        for number in range(letters):
            for _ in range(3 if not number else 4):
                replies.readline()
            link.sendall(wires[number % len(wires)])
        for _ in range(4):
            replies.readline()
        return letters / (time.perf_counter() - started)


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 sink\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"EHLO":
            writer.write(_OFFER)
        elif verb == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250 2.0.0 gone\r\n")
        else:
            writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
    writer.close()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    loop = asyncio.get_running_loop()
    while data := await reader.read(262_144):
        loop.call_later(seconds, writer.write, data)
    loop.call_later(seconds, writer.close)


async def _serve(arguments: Sequence[str]) -> None:
    what, port, *rest = arguments
    if what == "sink":
        server = await asyncio.start_server(_swallow, "127.0.0.1", int(port), limit=10**8)
    else:
        behind, one_way = int(rest[0]), float(rest[1]) / 2000

        async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection("127.0.0.1", behind)
            await asyncio.gather(_pass_on(reader, back, one_way), _pass_on(there, writer, one_way))

        server = await asyncio.start_server(lead, "127.0.0.1", int(port))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1:]))
