"""What every response tells browsers, which language it speaks, and what the logs do not say."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django.fixtures import Settings

from newsletter import links
from newsletter.checks import check_settings
from newsletter.redaction import RedactingFormatter, redact
from newsletter.web.headers import SITE_POLICY
from newsletter.web.looks import read_logo
from tests.factories import RL, store, subscribe
from tests.integration.admin.makers import make_operator

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db
SQUARE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>'


@pytest.mark.parametrize("path", ["/", "/nothing-here", "/healthz", "/u/broken", "/look.css"])
def test_it_says_what_browsers_may_load(client: Client, path: str) -> None:
    response = client.get(path)
    assert response["Content-Security-Policy"] == SITE_POLICY
    assert "unsafe" not in SITE_POLICY
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]
    assert response["X-Frame-Options"] == "DENY"


def test_it_is_looser_in_the_admin_alone(client: Client) -> None:
    client.force_login(make_operator(superuser=True))
    policy = client.get("/admin/")["Content-Security-Policy"]
    assert "'unsafe-inline'" in policy
    assert not re.search(r"https?:|\*", policy)
    assert client.get("/admin/nothing/here")["Content-Security-Policy"] in (policy, SITE_POLICY)


def test_it_writes_no_inline_style_or_script_into_its_pages(client: Client) -> None:
    store(RL)
    subscriber = subscribe()
    paths = ["/", "/nothing-here", links.manage_url(subscriber), links.unsubscribe_url(subscriber)]
    for path in paths:
        page = client.get(re.sub(r"^https?://[^/]+", "", path)).content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page), path
        assert not re.search(r"<script(?![^>]*\ssrc=)", page), path


def test_it_speaks_the_language_asked_for_then_remembered_then_preferred(client: Client) -> None:
    assert 'lang="en"' in read(client, "/")
    assert 'lang="de"' in read(client, "/", HTTP_ACCEPT_LANGUAGE="fr, de-AT;q=0.9, en;q=0.5")
    assert 'lang="en"' in read(client, "/", HTTP_ACCEPT_LANGUAGE="xx, *, %%;q=nonsense")
    assert not client.cookies
    response = client.get("/?lang=de")
    assert response["Content-Language"] == "de"
    assert response["Vary"] == "Accept-Language, Cookie"
    assert response.cookies["language"]["httponly"]
    assert response.cookies["language"]["samesite"] == "Lax"
    assert 'lang="de"' in read(client, "/", HTTP_ACCEPT_LANGUAGE="en")


@pytest.mark.parametrize("asked", ["xx", "../de", "de\r\nX: y", ""])
def test_it_takes_no_language_it_does_not_have(client: Client, asked: str) -> None:
    response = client.get("/", {"lang": asked})
    assert response["Content-Language"] == "en"
    assert not response.cookies


def test_it_offers_the_other_language_with_the_query_kept(client: Client) -> None:
    assert 'href="?q=%22a%22&amp;lang=de" lang="de"' in read(client, "/nothing?q=%22a%22", 404)


@override_settings(SITE_LANGUAGE="de")
def test_it_speaks_the_operators_language_to_others(client: Client) -> None:
    assert 'lang="de"' in read(client, "/", HTTP_ACCEPT_LANGUAGE="fr")
    assert 'lang="en"' in read(client, "/", HTTP_ACCEPT_LANGUAGE="en-GB")


def test_it_remembers_no_language_by_a_post(client: Client) -> None:
    path = re.sub(r"^https?://[^/]+", "", links.unsubscribe_url(subscribe()))
    response = client.post(f"{path}?lang=de", {"List-Unsubscribe": "One-Click"})
    assert response.status_code == 200
    assert not response.cookies


def test_it_leaves_the_admin_in_english(client: Client) -> None:
    client.force_login(make_operator(superuser=True))
    response = client.get("/admin/?lang=de", HTTP_ACCEPT_LANGUAGE="de")
    assert response["Content-Language"] == "en"


def test_it_serves_the_operators_accent_as_a_style_sheet(
    client: Client, settings: Settings
) -> None:
    assert "look.css" not in read(client, "/")
    settings.SITE_ACCENT, settings.SITE_ACCENT_DARK = "#005f99", "#66c2ff"
    (address,) = re.findall(r'href="(/look\.css\?v=\w+)"', read(client, "/"))
    response = client.get(address)
    assert response["Content-Type"].startswith("text/css")
    assert "--accent: #005f99" in response.content.decode()
    assert "immutable" in response["Cache-Control"]


def test_it_serves_the_operators_logo(client: Client, settings: Settings, tmp_path: Path) -> None:
    assert client.get("/logo").status_code == 404
    path = tmp_path / "logo.svg"
    path.write_text(SQUARE)
    settings.SITE_LOGO = str(path)
    (address,) = re.findall(r'<img class="logo" src="(/logo\?v=\w+)"', read(client, "/"))
    response = client.get(address)
    assert (response["Content-Type"], response.content) == ("image/svg+xml", SQUARE.encode())
    assert "sandbox" in response["Content-Security-Policy"]


def test_it_refuses_an_accent_nobody_could_read(settings: Settings) -> None:
    settings.SITE_ACCENT, settings.SITE_ACCENT_DARK = "#ffcc00", "#332b00"
    light, dark = check_settings()
    assert (light.id, dark.id) == ("paper.E005", "paper.E005")
    assert light.hint == "The nearest that has it: PAPER_ROUND_ACCENT=#856a00"
    assert "PAPER_ROUND_ACCENT_DARK=#" in str(dark.hint)


@pytest.mark.parametrize("name", ["logo.gif", "missing.png", "large.png", "empty.svg"])
def test_it_refuses_a_logo_it_cannot_show(
    client: Client, settings: Settings, tmp_path: Path, name: str
) -> None:
    (tmp_path / "large.png").write_bytes(b"x" * 200_001)
    (tmp_path / "empty.svg").touch()
    (tmp_path / "logo.gif").write_text("GIF89a")
    settings.SITE_LOGO = str(tmp_path / name)
    read_logo.cache_clear()
    assert [message.id for message in check_settings()] == ["paper.E006"]
    assert "<img" not in read(client, "/")


def test_it_refuses_a_colour_that_is_none() -> None:
    environment = {**os.environ, "PAPER_ROUND_ACCENT": "red"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "PAPER_ROUND_ACCENT: 'red' is no colour: write six" in done.stderr


@pytest.mark.parametrize(
    ("path", "words"),
    [("/nothing", "nothing at this address"), ("/p/99", "nothing at this address")],
)
def test_it_says_what_is_not_there_in_its_own_frame(client: Client, path: str, words: str) -> None:
    page = read(client, path, 404)
    assert words in page
    assert 'class="masthead"' in page
    assert 'name="robots" content="noindex"' in page


def test_it_owns_up_to_a_fault_without_saying_which(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False

    def fail(*_: object) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr("newsletter.web.looks.read_logo", fail)
    assert "Something broke here" in read(client, "/", 500)
    monkeypatch.setattr("newsletter.web.health.probe_database", fail)
    monkeypatch.undo()
    assert "secret words" not in read(client, "/nothing", 404)


def test_it_explains_a_form_that_was_open_too_long() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/admin/login/", {"username": "a", "password": "b"})
    assert response.status_code == 403
    assert "This form was open too long" in response.content.decode()


def test_every_address_of_the_site_has_a_name() -> None:
    def names(patterns: list[URLPattern | URLResolver]) -> list[str | None]:
        own = [p for p in patterns if isinstance(p, URLPattern)]
        within = [p for p in patterns if isinstance(p, URLResolver) and not p.app_name]
        return [p.name for p in own] + [n for p in within for n in names(p.url_patterns)]

    assert None not in names(get_resolver().url_patterns)


def test_it_blots_addresses_and_tokens_out_of_logs() -> None:
    token = links.make_token(links.MANAGE, 7)
    line = f"550 5.1.1 <ada.lovelace+x@mail.reader.example>: POST /m/{token}?lang=de failed"
    assert redact(line) == "550 5.1.1 <[address]>: POST /m/[token]?lang=de failed"
    for tail in ("~12~3~4", "%7E12%7e3"):
        token = links.make_token(links.FEEDBACK, 7) + tail
        assert redact(f"GET /f/{token} 303") == "GET /f/[token] 303"
    plain = "newsletter.tasks.deliver[0f8fad5b-d9cb-469f-a165-70867728950e] /site-packages/django"
    assert redact(plain) == plain


def test_it_blots_them_out_of_tracebacks_too() -> None:
    try:
        raise ValueError("no such reader: ada@reader.example")
    except ValueError:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, __file__, 1, "for %s", ("jun@reader.example",), sys.exc_info()
        )
    written = RedactingFormatter("%(message)s").format(record)
    assert "reader.example" not in written
    assert "for [address]" in written
    assert "ValueError: no such reader: [address]" in written


def test_its_web_server_logs_neither_who_nor_what_was_asked(tmp_path: Path) -> None:
    token = links.make_token(links.UNSUBSCRIBE, 999_999)
    log = tmp_path / "log"
    command = [sys.executable, "-m", "gunicorn", "newsletter.wsgi", "--bind", "127.0.0.1:0"]
    command += ["--logger-class", "newsletter.weblog.WebLog", "--access-logfile", "-"]
    command += ["--no-control-socket"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "newsletter.settings"}
    with log.open("w") as file:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)
    try:
        url = await_line(log, r"Listening at: (http://\S+)")
        for path in (f"/u/{token}", "/?q=secret+plans", "/nothing?to=ada@reader.example"):
            ask(url + path)
        await_line(log, r"GET /nothing 404 (\d+) bytes")
    finally:
        server.terminate()
        server.wait(timeout=20)
    written = log.read_text()
    assert re.search(r"GET /u/\[token\] \d+ \d+ bytes \d+ ms", written)
    for secret in (token, "secret", "reader.example", "127.0.0.1 "):
        assert secret not in written


def ask(url: str) -> None:
    request = urllib.request.Request(url, headers={"Referer": "https://elsewhere.reader.example/"})
    try:
        urllib.request.urlopen(request, timeout=20).close()
    except urllib.error.HTTPError as error:
        error.close()


def await_line(log: Path, pattern: str) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := re.search(pattern, log.read_text()):
            return found.group(1)
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def read(client: Client, path: str, status: int = 200, **extra: Any) -> str:
    response = client.get(path, **extra)
    assert response.status_code == status
    return response.content.decode()
