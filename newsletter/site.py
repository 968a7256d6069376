"""What the letters and pages say of the site itself."""

from __future__ import annotations

from django.conf import settings

from newsletter.mail.letter import Site


def make_site() -> Site:
    return Site(
        settings.SITE_NAME,
        settings.SITE_URL,
        settings.SITE_TAGLINE,
        settings.POSTAL_ADDRESS,
        settings.SITE_ACCENT,
        settings.SITE_ACCENT_DARK,
    )
