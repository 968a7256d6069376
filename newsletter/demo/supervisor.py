"""The demo: servers, sample, mail catcher, web, worker and beat in one tree that ends together.

`manage.py demo` comes here before Django reads its settings, because the ports, the databases and
the mail catcher's address are settings. Every child ends with this process, however it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from urllib.error import URLError

from newsletter import bootstrap
from newsletter.demo.children import Child, make_beat, make_catcher, make_web, make_worker
from newsletter.demo.environment import share_demo
from newsletter.demo.ports import FIRST, PortError, listen_from_first, listen_on, listen_somewhere
from newsletter.embedded import EmbeddedError, Places, Servers
from newsletter.paths import var_directory
from newsletter.processes import try_lock

READY_SECONDS = 30.0
STOP_SECONDS = 0.9  # for those that have something to finish; then they are killed


class DemoError(RuntimeError):
    """The demo cannot run; the text is one line with the mend."""


class Demo:
    """The demo of one `var/`, from its lock to the last child's end."""

    def __init__(
        self, var: Path, port: int | None, live: Sequence[str] | None = None, mirror: str = ""
    ) -> None:
        self.places = Places(var.resolve())
        self.port = port
        self.live = live  # arXiv categories to begin with; None: the sample
        self.mirror = mirror
        self.children: list[Child] = []
        self.servers: Servers | None = None

    def run(self) -> None:
        """Start everything, watch over it until a signal comes, and stop everything."""
        self.places.make()
        with self._hold_lock() as site, contextlib.ExitStack() as stack:
            web, mail = self._listen(), listen_somewhere()
            url = f"http://localhost:{web.getsockname()[1]}"
            site.write_text(url, encoding="utf-8")
            stack.callback(site.unlink, missing_ok=True)
            self._set_environment(url, mail)
            stack.callback(share_demo(self.places).unlink, missing_ok=True)
            with phase("Servers"):
                self._start_servers(stack)
            stack.callback(self._stop)
            self._start(make_web(self.places, web))
            self._start(make_catcher(self.places, mail))
            password, news = self._prepare()
            self._start(make_worker(self.places))
            self._start(make_beat(self.places))
            with phase("Web server"):
                await_answer(f"{url}/healthz", self.children[0])
            tell(describe(url, self.places.var, password, news))
            self._watch()

    @contextmanager
    def _hold_lock(self) -> Iterator[Path]:
        """Hold the demo's lock; yield the file that says where the demo can be reached."""
        site = self.places.run / "demo.url"
        with self.places.open_lock("demo") as lock:
            if not try_lock(lock, fcntl.LOCK_EX):
                where = site.read_text(encoding="utf-8") if site.exists() else "it is just starting"
                raise DemoError(f"the demo runs already: {where}")
            yield site

    def _listen(self) -> socket.socket:
        if self.port is not None:
            return listen_on(self.port)
        listener = listen_from_first()
        if (port := listener.getsockname()[1]) != FIRST:
            tell(f"  Port {FIRST} is taken: using {port}")
        return listener

    def _set_environment(self, url: str, mail: socket.socket) -> None:
        """Set what the settings read; no relay, host or address of the operator's comes in."""
        os.environ.update(
            {
                "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
                "DJANGO_SETTINGS_MODULE": "newsletter.settings",
                "EMAIL_URL": f"smtp://127.0.0.1:{mail.getsockname()[1]}",
                "PAPER_ROUND_DEMO": "1",
                "PAPER_ROUND_EMBEDDED": "1",
                "PAPER_ROUND_ENV_FILE": "",
                "PAPER_ROUND_SITE_URL": url,
                "PAPER_ROUND_VAR": str(self.places.var),
            }
        )

    def _start_servers(self, stack: contextlib.ExitStack) -> None:
        if bootstrap.is_embedded():
            self.servers = Servers(self.places.var)
            bootstrap.use_embedded(self.servers.start())
            stack.callback(self.servers.stop, wait=10)
        elif not (os.environ.get("REDIS_URL") or os.environ.get("REDIS_URL_FILE")):
            raise DemoError("DATABASE_URL is set but REDIS_URL is not: set both, or neither")

    def _prepare(self) -> tuple[str, str]:
        """Have tables, sample, administrator, first day; return the password and what was sent."""
        with phase("Database"):
            import django

            django.setup()
            from newsletter.sample import load

            if self.servers is None and (strangers := load.count_strangers()):
                raise DemoError(
                    f"DATABASE_URL points at an installation with readers of its own "
                    f"({strangers}): unset it, or give the demo an empty database"
                )
            bootstrap.ensure_tables(quiet=True)
        from django.utils import timezone

        if self.live is None:
            with phase("Sample papers and readers"):
                load.load_first_run(timezone.now())
        else:
            self._fetch_live(self.live)
        password = load.make_admin(self.places.var / "demo-password")
        news = "every mail the demo sends"
        marker = self.places.var / "demo-first-day"
        if not marker.exists():
            from newsletter.days import run_day

            with phase("First day"):
                report = run_day(None, timezone.now(), everyone=True)
            marker.touch()
            news = f"{report.sent} letters of the first day"
            if report.failed or report.note:
                tell(f"  {report.failed} letters failed. {report.note}")
        bootstrap.close_connections()
        return password, news

    def _fetch_live(self, categories: Sequence[str]) -> None:
        """Begin with today's real papers; without an answer with the sample, saying so."""
        from django.utils import timezone

        from newsletter.sample.live import load_live_run
        from newsletter.sources.asking import ParameterError

        try:
            with phase("Today's papers"):
                live = load_live_run(timezone.now(), categories, self.mirror)
        except ParameterError as error:
            raise DemoError(f"--live: {error}") from error
        if live.papers:
            tell(f"  {live.papers} papers of the last days are from the sources")
        if live.note:
            tell(f"  {live.note[:1].upper()}{live.note[1:]}")

    def _start(self, child: Child) -> None:
        self.children.append(child)
        child.spawn()

    def _watch(self) -> None:
        while True:
            for child in self.children:
                if words := child.watch():
                    tell(words)
            if self.servers and not self.servers.has_keeper():
                log = self.places.log / "keeper.log"
                raise DemoError(f"the embedded servers ended (see {log}): start the demo again")
            time.sleep(0.2)

    def _stop(self) -> None:
        """End all children: the mail catcher last, so that a letter on its way arrives."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        tell("\n  Stopping …")
        catcher = [child for child in self.children if child.name == "inbox"]
        others = [child for child in reversed(self.children) if child not in catcher]
        for group in (others, catcher):
            for child in group:
                child.ask_to_stop()
            deadline = time.monotonic() + STOP_SECONDS
            for child in group:
                child.await_end(deadline)
        bootstrap.close_connections()


def await_answer(url: str, child: Child) -> None:
    """Wait until the web server answers; `DemoError` with its last words if it does not."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 (our own)
            return
        except (URLError, OSError):
            if child.has_ended() or time.monotonic() > deadline:
                raise DemoError(
                    f"the web server did not start: {child.last_words()} ({child.log})"
                ) from None
            time.sleep(0.05)


def describe(url: str, var: Path, password: str, news: str) -> str:
    """Return what the operator needs to go on, once all runs."""
    admin = f"user admin, password {password}" if password else "with the user you made"
    place = os.path.relpath(var) if var.is_relative_to(Path.cwd()) else str(var)
    return f"""
  Paper Round is running.

    Site    {url}/
    Inbox   {url}/inbox/   {news}
    Admin   {url}/admin/   {admin}

  No mail leaves this machine. All data is in {place}/; its log/ has the logs.
  Ctrl-C stops everything; delete {place}/ to begin anew."""


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Show a phase while it passes, and how long it took."""
    tell(f"  {name:<28}", end="")
    started = time.monotonic()
    try:
        yield
    except BaseException:
        tell("")
        raise
    tell(f"{time.monotonic() - started:5.1f} s")


def tell(text: str, end: str = "\n") -> None:
    """Write to standard output, at once; a closed pipe does not end the demo."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.write(text + end)
        sys.stdout.flush()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=int, help=f"the web server's port (the first free from {FIRST}); 0: any"
    )
    parser.add_argument(
        "--live",
        nargs="*",
        metavar="CATEGORY",
        help="begin with today's real Daily Papers, and those of these arXiv categories (cs.LG …); "
        "without a network with the sample",
    )
    parser.add_argument(
        "--mirror",
        default="",
        metavar="URL",
        help="with --live: ask this address in place of the services; PAPER_ROUND_FETCH_ALLOW "
        "must name it if it is private",
    )


def leave(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def open_standard_files() -> None:
    """Have 0, 1 and 2 open: a socket that got one of those numbers would be lost in a child."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(fd)


def main(arguments: Sequence[str]) -> None:
    """Run `manage.py demo`; exits with 1 and one line where it cannot run."""
    parser = argparse.ArgumentParser(prog="manage.py demo")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    port = options.port
    if port is not None and not 0 <= port <= 65535:
        sys.exit(f"manage.py demo: --port {port} is no port: write a number from 0 to 65535")
    open_standard_files()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        Demo(var_directory(), port, options.live, options.mirror).run()
    except (DemoError, EmbeddedError, PortError) as error:
        sys.exit(f"manage.py demo: {error}")
    except KeyboardInterrupt:
        tell("  Stopped.")
        os._exit(0)  # all is stopped; the interpreter's own tidying takes as long again
