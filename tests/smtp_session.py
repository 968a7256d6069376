"""The dialogue of one connection of `tests.smtp`: what it answers, refuses and breaks."""

from __future__ import annotations

import base64
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.smtp import SmtpServer

REFUSALS: Mapping[str, tuple[str, str]] = {  # local part: when, and the reply
    "h550": ("RCPT", "550 5.1.1 no such user"),
    "t451": ("RCPT", "451 4.7.1 greylisted"),
    "p550": ("RCPT", "550 5.7.1 refused by policy"),
    "f552": ("RCPT", "552 5.2.2 mailbox full"),
    "r550": ("RCPT", "550 relay not permitted"),
    "g421": ("RCPT", "421 4.3.2 closing"),
    "d554": ("DATA", "554 5.5.0 no valid recipients"),
    "d552": ("DOT", "552 5.3.4 message too big"),
    "d451": ("DOT", "451 4.3.0 queue full"),
    "a515": ("DOT", "550 5.7.515 access denied, sender not authenticated"),
    "d421": ("DOT", "421 4.3.2 closing"),
}


@dataclass(frozen=True)
class Accepted:
    """A mail whose final dot arrived and was not refused; `data` has its dots unstuffed."""

    sender: str
    recipient: str
    data: bytes
    at: float

    @property
    def message_id(self) -> str:
        return str(BytesHeaderParser().parsebytes(self.data).get("Message-ID", ""))


class Session:
    """One connection's dialogue; returns or raises OSError, EOFError where it ends."""

    def __init__(self, server: SmtpServer, link: socket.socket) -> None:
        self.server = server
        self.link = link
        self.file = link.makefile("rb")
        self.sender = ""
        self.recipient = ""
        self.kind = ""
        self.known = not server.users
        self.encrypted = isinstance(link, ssl.SSLSocket)
        self.mails = 0

    def close(self) -> None:
        self.file.close()

    def run(self) -> None:
        server = self.server
        link = self.link
        while server.trickle and not server.stopping.wait(0.05):
            link.sendall(b"220-")
        server.stopping.wait(server.banner_delay)
        banner = server.banner
        link.sendall(banner.encode() + b"\r\n")
        while banner.startswith("220"):
            line = self._read_line().decode("ascii", "replace").strip()
            server.commands.append(line)
            verb = line.partition(" ")[0].upper()
            handler = getattr(self, f"_do_{verb.lower()}", None)
            if handler is None:
                self._reply("500 5.5.2 unknown command")
            elif verb in {"MAIL", "RCPT", "DATA"} and not self.known:
                self._reply("530 5.7.0 authentication required")
            else:
                handler(line)

    def _read_line(self) -> bytes:
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        return line

    def _reply(self, text: str) -> None:
        if not self.server.enhanced:
            text = re.sub(r"^(\d{3}) \d\.\d+\.\d+ ", r"\1 ", text)
        first = f"{text[:3]}-{text[4:]}\r\n" if self.server.multiline else ""
        self.link.sendall(f"{first}{text}\r\n".encode())
        if text.startswith("421"):
            raise EOFError

    def _refused(self, phase: str) -> bool:
        when, reply = REFUSALS.get(self.kind, ("", ""))
        if phase != when:
            return False
        self._reply(reply)
        return True

    def _do_ehlo(self, _: str) -> None:
        if not self.server.esmtp:
            return self._reply("502 5.5.1 unknown command")
        offers = ["relay.test", "SIZE 10485760", "8BITMIME", "ENHANCEDSTATUSCODES"]
        if self.server.pipelining:
            offers.append("PIPELINING")
        if self.server.context and not self.encrypted:
            offers.append("STARTTLS")
        if self.server.users:
            offers.append(f"AUTH {self.server.mechanisms}")
        lines = [f"250-{offer}" for offer in offers[:-1]] + [f"250 {offers[-1]}"]
        return self.link.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def _do_helo(self, _: str) -> None:
        self._reply("250 relay.test")

    def _do_starttls(self, _: str) -> None:
        assert self.server.context
        self.link.sendall(b"220 2.0.0 go on\r\n" + self.server.injected)
        self.file.close()
        self.link = self.server.swap(self.link, self.server.context)
        self.file = self.link.makefile("rb")
        self.encrypted = True

    def _do_auth(self, line: str) -> None:
        mechanism, _, initial = line.partition(" ")[2].partition(" ")
        if mechanism == "PLAIN":
            _, name, password = base64.b64decode(initial).decode().split("\0")
        else:
            name, password = self._ask("Username:"), self._ask("Password:")
        self.known = self.server.users.get(name) == password
        self._reply("235 2.7.0 welcome" if self.known else "535 5.7.8 wrong user or password")

    def _ask(self, what: str) -> str:
        self._reply(f"334 {base64.b64encode(what.encode()).decode()}")
        return base64.b64decode(self._read_line()).decode()

    def _do_mail(self, line: str) -> None:
        if self.sender:
            return self._reply("503 5.5.1 nested MAIL")
        self.sender = line.partition("<")[2].partition(">")[0]
        self.recipient = ""
        if _kind(self.sender) == "s550":
            self.sender = ""
            return self._reply("550 5.1.8 bad sender")
        if _kind(self.sender) == "s451":
            self.sender = ""
            return self._reply("451 4.3.0 try later")
        return self._reply("250 2.1.0 ok")

    def _do_rcpt(self, line: str) -> None:
        self.recipient = line.partition("<")[2].partition(">")[0]
        self.kind = self.server.mood(self.recipient) or _kind(self.recipient)
        self.server.on_rcpt(self.recipient)
        if not self._refused("RCPT"):
            self._reply("250 2.1.5 ok")

    def _do_data(self, _: str) -> None:
        kind = self.kind
        if kind == "early":
            raise EOFError
        if self._refused("DATA"):
            return
        self.link.sendall(b"354 go on\r\n")
        data = self._read_body(kind)
        sender, self.sender = self.sender, ""
        if kind == "e552":
            raise EOFError
        if self._refused("DOT"):
            return
        self.server.record(Accepted(sender, self.recipient, data, time.time()))
        self.mails += 1
        self._answer_dot(kind)
        if self.mails == self.server.close_after:
            raise EOFError

    def _answer_dot(self, kind: str) -> None:
        if kind == "drop":
            raise EOFError
        if kind == "hang":
            self.server.stopping.wait()
            raise EOFError
        if kind == "wrong":
            self.link.sendall(b"<html>\r\n")
            raise EOFError
        if slow := re.fullmatch(r"slow(\d+)", kind):
            self.server.stopping.wait(int(slow[1]) / 10)
        self._reply("250 2.0.0 queued")

    def _read_body(self, kind: str) -> bytes:
        lines: list[bytes] = []
        while (line := self._read_line()) != b".\r\n":
            if kind == "cut":
                raise EOFError
            if kind == "e552" and not lines:
                self._reply("552 5.3.4 that will be too big")
            self.server.longest_line = max(self.server.longest_line, len(line) - 2)
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _do_rset(self, _: str) -> None:
        self.sender = self.recipient = ""
        self._reply("250 2.0.0 ok")

    def _do_noop(self, _: str) -> None:
        self._reply("250 2.0.0 ok")

    def _do_quit(self, _: str) -> None:
        self._reply("221 2.0.0 bye")
        raise EOFError


def _kind(address: str) -> str:
    return address.partition("@")[0].partition("-")[0]
