"""What the admin's tests look at: operators, editions with deliveries, dangerous titles."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.contrib.auth.models import Permission, User

from newsletter.models import Delivery, Edition, Listing, Paper
from subscribers.models import Subscriber

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
TODAY = NOW.date()
# Made readable this is <script>alert(1)</script> & "x": escaping is all that stands between.
SCRIPT = r'$<$script$>$alert(1)$<$/script$>$ & "x"'


def make_operator(*permissions: str, superuser: bool = False) -> User:
    """A member of staff with the given permissions ("newsletter.view_paper")."""
    user = User.objects.create_user(
        "operator", "operator@site.example", "pw", is_staff=True, is_superuser=superuser
    )
    for name in permissions:
        app, codename = name.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return user


def make_edition(day: date = TODAY, *, frozen: bool = True) -> Edition:
    at = datetime.combine(day, NOW.time(), UTC) - timedelta(hours=2)
    return Edition.objects.create(
        date=day, frozen_at=at if frozen else None, matched_at=at if frozen else None
    )


def make_paper(
    title: str, edition: Edition | None = None, day: date = TODAY, **fields: object
) -> Paper:
    paper = Paper.objects.create(title=title, title_key=title.lower(), edition=edition, **fields)
    Listing.objects.create(paper=paper, source="test", listed_on=day)
    return paper


def make_readers(count: int, **fields: object) -> list[Subscriber]:
    values: dict[str, object] = {
        "status": "confirmed",
        "confirmed_at": NOW,
        "send_time": NOW.time(),
        **fields,
    }
    first = Subscriber.objects.count()
    return Subscriber.objects.bulk_create(
        Subscriber(email=f"reader{first + number}@reader.example", **values)
        for number in range(count)
    )


def make_deliveries(
    edition: Edition, readers: list[Subscriber], state: str, **fields: object
) -> list[Delivery]:
    values: dict[str, object] = {"planned_at": NOW, "next_at": NOW, **fields}
    if state in Delivery.TERMINAL:
        values.setdefault("finished_at", NOW)
    if state == "sent":
        values.setdefault("code", 250)
    return Delivery.objects.bulk_create(
        Delivery(
            edition=edition,
            subscriber=reader,
            covers_from=edition.date,
            state=state,
            message_id=f"<d{edition.pk}.{reader.pk}@site.example>",
            **values,
        )
        for reader in readers
    )
