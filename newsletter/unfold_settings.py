"""How the admin looks and what its sidebar holds: django-unfold's settings in the brand's ink.

Callbacks are dotted names, looked up when a page is built, so this module imports nothing.
"""

from __future__ import annotations

from typing import Any

ADMIN = "newsletter.admin"

# Warm greys between the brand's paper and ink; unfold asks for eleven steps.
INK = {
    "50": "#F8F5EE",
    "100": "#F0ECE2",
    "200": "#DDD7C8",
    "300": "#C6BFAE",
    "400": "#B5AE9E",
    "500": "#655F53",
    "600": "#4A463D",
    "700": "#4A453A",
    "800": "#3A362D",
    "900": "#1A1814",
    "950": "#11100D",
}
# 600 is the accent on paper, 500 the one unfold uses in the dark.
ACCENT = {
    "50": "#FDF5EF",
    "100": "#FBEADF",
    "200": "#F6D5C1",
    "300": "#FFCDB2",
    "400": "#FFBE9D",
    "500": "#FFB088",
    "600": "#9A3412",
    "700": "#842B0E",
    "800": "#6B230B",
    "900": "#541C0A",
    "950": "#300F05",
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": f"{ADMIN}.navigation.site_name",
    "SITE_HEADER": f"{ADMIN}.navigation.site_name",
    "SITE_SYMBOL": "newspaper",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": f"{ADMIN}.navigation.icon"},
    ],
    "SHOW_HISTORY": True,
    "BORDER_RADIUS": "3px",
    "COLORS": {
        "base": INK,
        "primary": ACCENT,
        "font": {
            "subtle-light": "#655F53",
            "subtle-dark": "#B5AE9E",
            "default-light": "#4A463D",
            "default-dark": "#D6CFC0",
            "important-light": "#1C1B18",
            "important-dark": "#EDE8DC",
        },
    },
    "STYLES": [f"{ADMIN}.navigation.stylesheet"],
    "ENVIRONMENT": f"{ADMIN}.navigation.environment",
    "DASHBOARD_CALLBACK": f"{ADMIN}.index.add_morning",
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": f"{ADMIN}.navigation.list_sidebar",
    },
}
