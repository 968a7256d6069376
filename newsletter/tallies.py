"""What relays and recipient domains answered, counted as it happens: no scan of the ledger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Max, Sum
from django.utils import timezone

from newsletter.mail.message import Outcome, Verdict
from newsletter.models import Tally

KEEP = timedelta(days=40)
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")
_KINDS = {
    Verdict.SENT: "sent",
    Verdict.SOFT: "soft",
    Verdict.HARD: "refused",
    Verdict.CONTENT: "refused",
    Verdict.IN_DOUBT: "doubtful",
}
ADD = """
INSERT INTO newsletter_tally (relay, minute, sent, soft, refused, doubtful)
VALUES (%s, date_trunc('minute', now()), %s, %s, %s, %s)
ON CONFLICT (minute, relay) DO UPDATE SET sent = newsletter_tally.sent + EXCLUDED.sent,
  soft = newsletter_tally.soft + EXCLUDED.soft,
  refused = newsletter_tally.refused + EXCLUDED.refused,
  doubtful = newsletter_tally.doubtful + EXCLUDED.doubtful
RETURNING now()
"""
ADD_DOMAINS = """
INSERT INTO newsletter_domainreply AS r (domain, sent, soft, refused, code, detail, at,
  trouble_code, trouble, trouble_at)
SELECT domain, sent, soft, refused, code, detail, now(), trouble_code, trouble,
  CASE WHEN trouble <> '' OR trouble_code > 0 THEN now() END
FROM unnest(%s::text[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[], %s::int[],
  %s::text[]) AS v(domain, sent, soft, refused, code, detail, trouble_code, trouble)
ORDER BY domain
ON CONFLICT (domain) DO UPDATE SET sent = r.sent + EXCLUDED.sent, soft = r.soft + EXCLUDED.soft,
  refused = r.refused + EXCLUDED.refused, code = EXCLUDED.code, detail = EXCLUDED.detail,
  at = now(),
  trouble_code = CASE WHEN EXCLUDED.trouble_at IS NULL THEN r.trouble_code
    ELSE EXCLUDED.trouble_code END,
  trouble = CASE WHEN EXCLUDED.trouble_at IS NULL THEN r.trouble ELSE EXCLUDED.trouble END,
  trouble_at = COALESCE(EXCLUDED.trouble_at, r.trouble_at)
"""


@dataclass(slots=True)
class _Domain:
    sent: int = 0
    soft: int = 0
    refused: int = 0
    code: int = 0
    detail: str = ""
    trouble_code: int = 0
    trouble: str = ""


def record_tallies(relay: str, outcomes: Sequence[tuple[Outcome, str]]) -> datetime | None:
    """Count outcomes, each with its recipient's domain, for the relay and for the domains.

    Returns the database's time, None where there was nothing to count.
    """
    counts = dict.fromkeys(("sent", "soft", "refused", "doubtful"), 0)
    domains: dict[str, _Domain] = {}
    for outcome, domain in outcomes:
        kind = _KINDS.get(outcome.verdict)
        if kind is None:
            continue
        counts[kind] += 1
        _count_domain(domains.setdefault(domain, _Domain()), kind, outcome)
    if not domains:
        return None
    rows = sorted(domains.items())
    columns: list[list[object]] = [[name for name, _ in rows]]
    for field in ("sent", "soft", "refused", "code", "detail", "trouble_code", "trouble"):
        columns.append([getattr(row, field) for _, row in rows])
    with connection.cursor() as cursor:
        cursor.execute(ADD_DOMAINS, columns)
        cursor.execute(ADD, [relay, *counts.values()])
        at: datetime = cursor.fetchall()[0][0]
    return at


def _count_domain(row: _Domain, kind: str, outcome: Outcome) -> None:
    row.code, row.detail = outcome.code, without_addresses(outcome.detail)
    if kind in ("sent", "soft", "refused"):
        setattr(row, kind, getattr(row, kind) + 1)
    if kind != "sent":
        row.trouble_code, row.trouble = row.code, row.detail or "no reply"


def without_addresses(text: str) -> str:
    """Return a reply's text with the addresses it quotes left out."""
    return _ADDRESS.sub("…", text)


def count_sent(span: timedelta) -> int:
    """Return how many letters relays accepted in the last `span`, to the minute."""
    since = timezone.now() - span
    return Tally.objects.filter(minute__gt=since).aggregate(n=Sum("sent"))["n"] or 0


def read_brake() -> tuple[int | None, str]:
    """Return how many letters the brake lets go yet, None for any number, and why if it is none."""
    most = settings.DAILY_LIMIT
    if not most:
        return None, ""
    left = max(most - count_sent(timedelta(hours=24)), 0)
    if left:
        return left, ""
    went = f"PAPER_ROUND_DAILY_LIMIT={most} letters went out in 24 hours"
    return 0, f"the brake: {went} (raise it, or wait)"


def last_sent_minute() -> datetime | None:
    """Return the last minute in which a relay accepted a letter, by the database."""
    found: datetime | None = Tally.objects.filter(sent__gt=0).aggregate(last=Max("minute"))["last"]
    return found


def forget_tallies() -> int:
    """Delete what is older than 40 days; return how many rows."""
    return Tally.objects.filter(minute__lt=timezone.now() - KEEP).delete()[0]
