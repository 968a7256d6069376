"""A reader erased: every row that knows them goes, counts without people and a keyed hash stay."""

from __future__ import annotations

from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.db import connection, transaction

from newsletter.models import Notice
from newsletter.notices import queue_notice
from subscribers.models import ConsentEvent, Grant, Interest, Query, Signup, Subscriber, Suppression
from subscribers.services import hash_address

REASON = Suppression.Reason
# What a row that leaves counts as: one that waited is cancelled by leaving.
FOLD = """
WITH gone AS (
  DELETE FROM newsletter_delivery WHERE id = ANY(%s)
  RETURNING edition_id, state, picks, bounced_at, complained_at
)
INSERT INTO newsletter_editiontally
  (edition_id, state, deliveries, papers, bounced, complained)
SELECT edition_id,
  CASE state WHEN 'sending' THEN 'in_doubt' WHEN 'queued' THEN 'cancelled'
    WHEN 'deferred' THEN 'cancelled' ELSE state END AS ending,
  count(*), sum(jsonb_array_length(picks)), count(bounced_at), count(complained_at)
FROM gone GROUP BY edition_id, ending ORDER BY edition_id, ending
ON CONFLICT (edition_id, state) DO UPDATE SET
  deliveries = newsletter_editiontally.deliveries + EXCLUDED.deliveries,
  papers = newsletter_editiontally.papers + EXCLUDED.papers,
  bounced = newsletter_editiontally.bounced + EXCLUDED.bounced,
  complained = newsletter_editiontally.complained + EXCLUDED.complained
"""


def erase_reader(subscriber_id: int, now: datetime, *, tell: bool = True) -> bool:
    """Erase the reader and refuse the address from now on; False for one who is gone already.

    Deliveries become counts of their edition. With `tell` a last mail says that it is done; it is
    queued with the address, which is emptied as soon as the mail is handed over.
    """
    return _erase(subscriber_id, now, REASON.ERASED, tell)


def forget_reader(subscriber_id: int, now: datetime) -> bool:
    """Forget a reader who left long ago, as if erased; imports still refuse the address."""
    return _erase(subscriber_id, now, REASON.UNSUBSCRIBED, tell=False)


def _erase(subscriber_id: int, now: datetime, reason: str, tell: bool) -> bool:
    with transaction.atomic():
        row = Subscriber.objects.select_for_update().filter(pk=subscriber_id).first()
        if row is None:
            return False
        if reason == REASON.UNSUBSCRIBED and row.status != Subscriber.Status.UNSUBSCRIBED:
            return False  # came back meanwhile
        address, language = row.email, row.language
        _suppress(address, reason)
        fold_deliveries(list(row.deliveries.values_list("pk", flat=True)))
        _forget_traces(subscriber_id, address)
        delete_reader(row)
        if tell:
            queue_notice(Notice.Kind.ERASED, None, address=address, language=language, now=now)
    return True


def fold_deliveries(delivery_ids: list[int]) -> None:
    """Take these rows out of the ledger and add them to the counts of their editions."""
    with connection.cursor() as cursor:
        cursor.execute(FOLD, [delivery_ids])


def delete_reader(row: Subscriber) -> None:
    """Delete a locked reader who has no deliveries, and the queries nobody else asks for."""
    queries = list(row.interests.values_list("query", flat=True))
    allow_forgetting()
    ConsentEvent.objects.filter(subscriber=row.pk).delete()
    row.delete()
    others = Interest.objects.filter(query__in=queries).values("query")
    Query.objects.filter(pk__in=queries).exclude(pk__in=others).delete()


def allow_forgetting() -> None:
    """Let this transaction change and delete consent events, which a trigger refuses."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('paper_round.erase', 'on', true)")


def _suppress(address: str, reason: str) -> None:
    """Keep the keyed hash alone: a relay's reply, kept as its note, may quote the address."""
    digest = hash_address(address)
    row, created = Suppression.objects.get_or_create(
        address_hash=digest, defaults={"reason": reason}
    )
    if created:
        return
    # A complaint, a bounce or the owner's block weighs more than having left; who called a letter
    # spam or blocked us is not asked again whether they want some, erased or not.
    stays = reason == REASON.UNSUBSCRIBED or row.reason in {REASON.BLOCKED, REASON.COMPLAINT}
    kept = row.reason if stays else reason
    Suppression.objects.filter(pk=row.pk).update(reason=kept, note="")


def _forget_traces(subscriber_id: int, address: str) -> None:
    """Delete what names the address without belonging to the reader's row."""
    Signup.objects.filter(email__iexact=address).delete()
    Notice.objects.filter(address__iexact=address).delete()
    Grant.objects.filter(payload__email=address).delete()
    Grant.objects.filter(payload__subscriber_id=subscriber_id).delete()
    entries = LogEntry.objects.filter(object_repr__icontains=address) | LogEntry.objects.filter(
        content_type__app_label="subscribers",
        content_type__model="subscriber",
        object_id=str(subscriber_id),
    )
    entries.update(object_repr="erased reader", change_message="")
