"""Why a query is refused, in the language of who typed it."""

from __future__ import annotations

from django.utils.translation import gettext

from newsletter.matching.base import QueryError


def translate_refusal(error: QueryError) -> tuple[str, str]:
    """Return the problem and the mend in the active language."""
    problem, mend = (gettext(pattern).format(**error.values) for pattern in error.patterns)
    return problem, mend
