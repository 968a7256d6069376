"""What `manage.py check` says of an installation's settings, each with its mend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Caution

from newsletter import env, looks
from newsletter.mail.relay import parse_relays
from newsletter.web.looks import LOGO_BYTES, LOGO_TYPES, logo_url

DEFAULT_FROM = "localhost.localdomain"


@register
def check_settings(app_configs: Any = None, **options: Any) -> list[CheckMessage]:
    """Return what is wrong anywhere, and what is missing in an installation."""
    messages = [*find_errors(), *find_looks()]
    if not settings.EMBEDDED:
        messages += find_omissions()
    return messages


def find_errors() -> Iterator[CheckMessage]:
    try:
        parse_relays(settings.EMAIL_URL, settings.EMAIL_TIMEOUT)
    except ValueError as error:
        yield Error(str(error), hint="EMAIL_URL says which relay takes the mail.", id="paper.E001")
    if settings.IN_DOUBT not in {"resend", "park"}:
        yield Error(
            f"IN_DOUBT={settings.IN_DOUBT!r} is no way to treat a letter in doubt.",
            hint="Write resend (once more, same Message-ID) or park (never; you decide).",
            id="paper.E002",
        )
    if not settings.SITE_URL.startswith(("http://", "https://")):
        yield Error(
            f"PAPER_ROUND_SITE_URL={settings.SITE_URL!r} is no address.",
            hint="Write the address readers see, such as https://papers.example.org.",
            id="paper.E003",
        )


def find_looks() -> Iterator[CheckMessage]:
    """Yield what of the operator's looks readers could not read or see."""
    for name, colour, grounds in (
        ("PAPER_ROUND_ACCENT", settings.SITE_ACCENT, looks.LIGHT),
        ("PAPER_ROUND_ACCENT_DARK", settings.SITE_ACCENT_DARK, looks.DARK),
    ):
        ratio = looks.least_contrast(colour, grounds)
        if ratio < looks.ENOUGH:
            where = "light" if grounds is looks.LIGHT else "dark"
            yield Error(
                f"{name}={colour} has a contrast of {ratio:.1f} : 1 on {where} pages; "
                f"words need {looks.ENOUGH} : 1 (WCAG 2.2, 1.4.3).",
                hint=f"The nearest that has it: {name}={looks.mend_colour(colour, grounds)}",
                id="paper.E005",
            )
    if settings.SITE_LOGO and not logo_url():
        kinds = ", ".join(sorted(LOGO_TYPES))
        yield Error(
            f"PAPER_ROUND_LOGO={settings.SITE_LOGO} cannot be shown.",
            hint=f"Write the path of a picture ({kinds}) of at most {LOGO_BYTES // 1000} kB "
            "that this process may read.",
            id="paper.E006",
        )


def find_omissions() -> Iterator[CheckMessage]:
    """Yield what an installation must not leave at the defaults made for development."""
    if DEFAULT_FROM in settings.FROM_EMAIL:
        yield Error(
            "PAPER_ROUND_FROM_EMAIL is not set: relays refuse mail from nowhere.",
            hint="Write 'Name <papers@your.domain>', a domain whose SPF and DKIM are yours.",
            id="paper.E004",
        )
    if not env.read_text("EMAIL_URL"):
        yield Caution(
            "EMAIL_URL is not set: letters go to localhost, port 25.",
            hint="Write the relay, such as submission://USER:PASSWORD@HOST; "
            "EMAIL_URL=smtp://localhost:25 if that is meant.",
            id="paper.W001",
        )
    if settings.SITE_URL.startswith("http://"):
        yield Caution(
            f"PAPER_ROUND_SITE_URL={settings.SITE_URL} has no TLS: "
            "one-click unsubscribe needs https (RFC 8058).",
            hint="Write the https:// address readers see.",
            id="paper.W002",
        )
    if not settings.POSTAL_ADDRESS:
        yield Caution(
            "PAPER_ROUND_POSTAL_ADDRESS is not set: the law of many countries wants it in a "
            "newsletter's letters.",
            hint="Write one line: name, street, town, country.",
            id="paper.W003",
        )
    if not settings.LIST_ID:
        yield Caution(
            "PAPER_ROUND_LIST_ID is not set: it follows the sender's domain and would change "
            "with it.",
            hint="Write a name of your own domain, such as papers.your.domain (RFC 2919).",
            id="paper.W004",
        )
