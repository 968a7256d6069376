"""What a reader wants to read about: interests, each a shared query. `services` offers these."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext

from subscribers.fields import QueryText, ReaderError, read_query
from subscribers.models import MOST_INTERESTS, Interest, Query, Subscriber


def intern_query(text: str, expand: bool = True) -> int:
    """Return the id of the shared query for `text`, made if new; `InterestError` if refused.

    Safe against others interning the same text at the same time.
    """
    canonical = read_query(text).canonical
    return _intern(canonical, expand)


def add_interest(
    subscriber_id: int, text: str, weight: int = Interest.NORMAL, *, expand: bool = True
) -> int:
    """Return the id of the reader's interest `text`, added last; a repeated one stays as it is.

    `InterestError` for a refused query, `ReaderError` for an unknown reader or the 51st interest.
    """
    query = read_query(text)
    with transaction.atomic():
        lock_reader(subscriber_id)
        return keep_interest(subscriber_id, query, weight, expand)


def set_expand(interest_id: int, expand: bool) -> int:
    """Switch an interest's synonyms on or off and return the id of its query from now on.

    `ReaderError` for an unknown interest, or where the reader has the same one the other way too.
    """
    with transaction.atomic():
        rows = Interest.objects.select_for_update(of=("self",)).select_related("query")
        row = rows.filter(pk=interest_id).first()
        if row is None:
            raise ReaderError(
                "interest", f"no interest has the number {interest_id}", "look it up in the admin"
            )
        query_id = _intern(row.query.text, expand)
        same = Interest.objects.filter(subscriber=row.subscriber_id, query_id=query_id)
        if same.exclude(pk=interest_id).exists():
            problem = gettext("“{text}” is there without synonyms already")
            if expand:
                problem = gettext("“{text}” is there with synonyms already")
            mend = gettext("remove one of the two")
            raise ReaderError("interest", problem.format(text=row.text), mend)
        row.query_id = query_id
        row.save(update_fields=["query"])
    return query_id


def _intern(canonical: str, expand: bool) -> int:
    known = Query.objects.filter(text=canonical, expand=expand).values_list("pk", flat=True)
    if (found := known.first()) is not None:
        return found
    # ON CONFLICT waits for whoever inserts the same text, so that the row is visible then.
    Query.objects.bulk_create([Query(text=canonical, expand=expand)], ignore_conflicts=True)
    return known.get()


def keep_interest(subscriber_id: int, query: QueryText, weight: int, expand: bool) -> int:
    """As `add_interest`, for a reader locked by the caller's transaction."""
    mine = Interest.objects.filter(subscriber_id=subscriber_id)
    query_id = _intern(query.canonical, expand)
    if (known := mine.filter(query_id=query_id).values_list("pk", flat=True).first()) is not None:
        return known
    if mine.count() >= MOST_INTERESTS:
        raise ReaderError(
            "interest",
            gettext("“{text}” would be interest {number}").format(
                text=query.typed, number=MOST_INTERESTS + 1
            ),
            gettext("a reader has at most {most}, remove one first").format(most=MOST_INTERESTS),
        )
    last = mine.aggregate(last=Max("position"))["last"]
    return Interest.objects.create(
        subscriber_id=subscriber_id,
        query_id=query_id,
        text=query.typed,
        weight=weight,
        position=0 if last is None else last + 1,
    ).pk


def lock_reader(subscriber_id: int) -> Subscriber:
    """Return the reader, locked until the end of the transaction; else `ReaderError`."""
    try:
        return Subscriber.objects.select_for_update().get(pk=subscriber_id)
    except Subscriber.DoesNotExist as error:
        raise ReaderError(
            "id", f"no reader has the number {subscriber_id}", "look it up in the admin"
        ) from error
