"""The ledger in the admin: everything shown, nothing changed."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from newsletter.models import Delivery, Edition
from subscribers.models import ConsentEvent, Interest, Query, Suppression
from tests.integration.admin.makers import (
    NOW,
    SCRIPT,
    TODAY,
    make_deliveries,
    make_edition,
    make_operator,
    make_paper,
    make_readers,
)

pytestmark = pytest.mark.django_db
LIST, EDITIONS = "/admin/newsletter/delivery/", "/admin/newsletter/edition/"
DAY = timedelta(days=1)


def test_it_lists_deliveries_with_their_state_and_reply(operator_client: Client) -> None:
    make_deliveries(
        make_edition(), make_readers(1), "failed", code=550, detail="5.1.1 no such user"
    )
    page = operator_client.get(LIST).content.decode()
    for shown in ("reader0@reader.example", "failed", "550", "5.1.1 no such user"):
        assert shown in page


def test_it_finds_by_the_start_of_an_address_and_by_message_id(operator_client: Client) -> None:
    edition, readers = make_edition(), make_readers(3)
    make_deliveries(edition, readers, "sent")

    def find(text: str) -> list[int]:
        found = operator_client.get(LIST, {"q": text}).context["cl"].result_list
        return [delivery.subscriber_id for delivery in found]

    assert find("READER1@") == [readers[1].pk]
    assert find("eader1@") == []
    assert find(f"<d{edition.pk}.{readers[2].pk}@site.example>") == [readers[2].pk]
    assert find(f"d{edition.pk}.{readers[2].pk}@site.example") == [readers[2].pk]


def test_it_asks_as_many_questions_for_many_deliveries(
    operator_client: Client, django_assert_max_num_queries: Any
) -> None:
    make_deliveries(make_edition(), make_readers(40), "sent")
    with django_assert_max_num_queries(8):
        found = operator_client.get(LIST).context["cl"].result_list
        assert len(found) == 40
    assert "picks" in found[0].get_deferred_fields()
    assert "matched_queries" in found[0].edition.get_deferred_fields()


def test_it_names_the_papers_a_letter_carried_and_why(operator_client: Client) -> None:
    edition, [reader] = make_edition(), make_readers(1, send_time=time(8))
    paper, other = make_paper(SCRIPT, edition), make_paper("Second", edition)
    query, gone = (Query.objects.create(text=text) for text in ("canonical", "removed since"))
    Interest.objects.create(subscriber=reader, query=query, text="as typed <i>")
    picks = [[other.pk, [query.pk, gone.pk]], [paper.pk, [query.pk]], [999_999, []]]
    [delivery] = make_deliveries(edition, [reader], "sent", picks=picks)
    page = operator_client.get(f"{LIST}{delivery.pk}/change/").content.decode()
    assert "as typed &lt;i&gt;, removed since" in page
    assert page.index("Second") < page.index("&lt;script&gt;alert(1)")
    assert "<script>alert(1)" not in page
    assert "a paper since removed" in page


def test_it_changes_nothing(operator_client: Client) -> None:
    [delivery] = make_deliveries(make_edition(), make_readers(1), "queued")
    change = f"{LIST}{delivery.pk}/change/"
    assert operator_client.get(f"{LIST}add/").status_code == 403
    assert operator_client.post(change, {"state": "sent"}).status_code == 403
    assert operator_client.post(f"{LIST}{delivery.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Delivery.objects.get().state == "queued"


def test_it_refuses_who_may_not_see_deliveries() -> None:
    client = Client()
    assert client.get(LIST)["Location"].startswith(reverse("admin:login"))
    client.force_login(make_operator("newsletter.view_paper"))
    assert client.get(LIST).status_code == 403


def test_it_asks_before_it_records_a_complaint(operator_client: Client) -> None:
    letters = make_deliveries(make_edition(), make_readers(3), "sent")
    [waiting] = make_deliveries(make_edition(TODAY - DAY), make_readers(1), "queued")
    chosen = [letters[0].pk, letters[1].pk, waiting.pk]
    data: dict[str, Any] = {"action": "complain", "_selected_action": chosen}
    asked = operator_client.post(LIST, data).content.decode()
    assert "The readers of 2 letters" in asked
    assert ("reader0@reader.example" in asked, "reader3@reader.example" in asked) == (True, False)
    assert not Suppression.objects.exists()
    done = operator_client.post(LIST, data | {"confirmed": "yes"}, follow=True)
    assert "2 complaints recorded." in done.content.decode()
    assert Delivery.objects.filter(complained_at__isnull=False).count() == 2
    assert Suppression.objects.filter(reason="complaint").count() == 2
    assert ConsentEvent.objects.filter(source="complaint, the admin, by operator").count() == 2
    again = operator_client.post(LIST, data | {"confirmed": "yes"}, follow=True)
    assert "No complaint was recorded: choose 1 to 100 letters" in again.content.decode()


def test_it_says_when_complaints_pause_an_edition(operator_client: Client) -> None:
    letters = make_deliveries(make_edition(), make_readers(4), "sent")
    Edition.objects.update(cleared_at=NOW, canary_size=0)
    data = {"action": "complain", "_selected_action": [one.pk for one in letters[:3]]}
    done = operator_client.post(LIST, data | {"confirmed": "yes"}, follow=True).content.decode()
    assert "The edition of 2026-11-20 is paused: 3 of 4 readers complained" in done
    assert "3 called spam" in operator_client.get(f"{EDITIONS}going-out/").content.decode()


@pytest.mark.parametrize("missing", ["newsletter.change_delivery", "subscribers.change_subscriber"])
def test_a_complaint_needs_the_right_to_both(missing: str) -> None:
    letters = make_deliveries(make_edition(), make_readers(1), "sent")
    rights = {"newsletter.view_delivery", "newsletter.change_delivery"}
    client = Client()
    client.force_login(make_operator(*(rights | {"subscribers.change_subscriber"}) - {missing}))
    data = {"action": "complain", "_selected_action": [letters[0].pk], "confirmed": "yes"}
    page = client.post(LIST, data, follow=True)
    assert "Record a complaint" not in page.content.decode()
    assert not Suppression.objects.exists()
