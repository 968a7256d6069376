"""What readers do to their own interests: each change names the reader, whose row is locked."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext

from subscribers.fields import ReaderError, read_query
from subscribers.interests import intern_query, lock_reader, set_expand
from subscribers.models import Interest, Query, Subscriber


def edit_interest(subscriber_id: int, interest_id: int, text: str) -> None:
    """Give the interest other words; its place, star and synonyms stay.

    `InterestError` for a refused query, `ReaderError` where the reader has it already.
    """
    query = read_query(text)
    with transaction.atomic():
        row = _lock_interest(subscriber_id, interest_id)
        query_id = intern_query(query.typed, row.query.expand)
        same = Interest.objects.filter(subscriber=subscriber_id, query=query_id)
        if same.exclude(pk=row.pk).exists():
            problem = gettext("“{text}” is one of your interests already")
            mend = gettext("remove one")
            raise ReaderError("interest", problem.format(text=query.typed), mend)
        row.query_id, row.text = query_id, query.typed
        row.save(update_fields=["query", "text"])


def remove_interest(subscriber_id: int, interest_id: int) -> None:
    """Delete the interest; one that is gone already is no error."""
    Interest.objects.filter(pk=interest_id, subscriber=subscriber_id).delete()


def star_interest(subscriber_id: int, interest_id: int, starred: bool) -> None:
    """Let the interest weigh double, or not any more."""
    weight = Interest.STARRED if starred else Interest.NORMAL
    _change(subscriber_id, interest_id, weight=weight)


def mute_interest(subscriber_id: int, interest_id: int, muted: bool) -> None:
    """Keep the interest and let it find nothing, or let it find papers again."""
    _change(subscriber_id, interest_id, muted=muted)


def mute_query(subscriber_id: int, query_id: int, muted: bool) -> str:
    """As `mute_interest`, for the reader's interest in a shared query; return it as typed.

    "" where the reader has it no more. An interest whose synonyms were switched since counts.
    """
    rows = Interest.objects.filter(
        subscriber=subscriber_id, query__text__in=_texts(query_id)
    ).order_by("position", "pk")
    exact = [row for row in rows if row.query_id == query_id]
    chosen = exact or list(rows)
    if not chosen:
        return ""
    Interest.objects.filter(pk__in=[row.pk for row in chosen]).update(muted=muted)
    return chosen[0].text


def switch_synonyms(subscriber_id: int, interest_id: int, expand: bool) -> None:
    """Switch the synonyms of the reader's interest on or off; `ReaderError` as `set_expand`."""
    with transaction.atomic():
        row = _lock_interest(subscriber_id, interest_id)
        set_expand(row.pk, expand)


def move_interest(subscriber_id: int, interest_id: int, by: int) -> None:
    """Move the interest `by` places in the letter's order; beyond the ends it stays at the end."""
    with transaction.atomic():
        lock_reader(subscriber_id)
        order = list(
            Interest.objects.filter(subscriber=subscriber_id)
            .order_by("position", "pk")
            .values_list("pk", flat=True)
        )
        if interest_id not in order:
            return
        place = order.index(interest_id)
        order.insert(max(0, min(len(order) - 1, place + by)), order.pop(place))
        rows = [Interest(pk=pk, position=position) for position, pk in enumerate(order)]
        Interest.objects.bulk_update(rows, ["position"])


def _texts(query_id: int) -> list[str]:
    return list(Query.objects.filter(pk=query_id).values_list("text", flat=True))


def _change(subscriber_id: int, interest_id: int, **values: object) -> None:
    found = Interest.objects.filter(pk=interest_id, subscriber=subscriber_id)
    if not found.update(**values):
        raise _gone()


def _lock_interest(subscriber_id: int, interest_id: int) -> Interest:
    lock_reader(subscriber_id)
    rows = Interest.objects.filter(pk=interest_id, subscriber=subscriber_id)
    row = rows.select_related("query").first()
    if row is None:
        raise _gone()
    return row


def _gone() -> ReaderError:
    return ReaderError(
        "interest", gettext("this interest is gone"), gettext("look at the list as it is now")
    )


def set_language(subscriber_id: int, language: str) -> None:
    """Write letters and service mail in `language` from now on."""
    Subscriber.objects.filter(pk=subscriber_id).update(language=language)


def set_empty_days(subscriber_id: int, empty_days: str) -> None:
    """Say what comes when nothing matches; `ValueError` for none of `Subscriber.EmptyDays`."""
    chosen = Subscriber.EmptyDays(empty_days)
    Subscriber.objects.filter(pk=subscriber_id).update(empty_days=chosen)
