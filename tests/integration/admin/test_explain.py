"""Why (not)? in the admin: found, chosen, explained; nothing is changed and nothing leaks."""

from __future__ import annotations

import pytest
from django.test import Client

from newsletter.models import Paper
from subscribers.models import Interest, Query
from tests.integration.admin.makers import (
    SCRIPT,
    make_deliveries,
    make_edition,
    make_operator,
    make_paper,
    make_readers,
)

pytestmark = pytest.mark.django_db
PAGE = "/admin/newsletter/paper/explain/"


def test_it_explains_the_chosen_pair(operator_client: Client) -> None:
    [reader] = make_readers(1)
    edition = make_edition()
    paper = make_paper("Folding", edition)
    query = Query.objects.create(text="folding")
    Interest.objects.create(subscriber=reader, query=query, text="folding")
    make_deliveries(edition, [reader], "sent", picks=[[paper.pk, [query.pk]]])
    found = operator_client.get(PAGE, {"reader": reader.pk, "paper": paper.pk})
    page = found.content.decode()
    assert "Got it: the letter of Fri 20 Nov 2026 carried it because of “folding”" in page
    assert "<b>Matches</b>" in page
    assert "this one as number 1" in page


def test_it_looks_for_the_reader_and_the_paper(operator_client: Client) -> None:
    first, second = (str(reader.pk) for reader in make_readers(2))
    paper, other = (str(make_paper(f"Folding {name}").pk) for name in ("first", "second"))
    page = operator_client.get(PAGE, {"email": "READER", "paper": paper}).content.decode()
    assert f"?reader={second}&amp;paper={paper}" in page
    page = operator_client.get(PAGE, {"title": "folding", "reader": first}).content.decode()
    assert f"?paper={other}&amp;reader={first}" in page
    found = operator_client.get(PAGE, {"title": "folding first", "reader": first})
    assert found.context["found"].paper_id == int(paper)
    page = operator_client.get(PAGE, {"email": "zz"}).content.decode()
    assert "No reader’s address begins with “zz”" in page


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30, "²", "0"])
def test_it_takes_any_number_calmly(operator_client: Client, number: str) -> None:
    page = operator_client.get(PAGE, {"reader": number, "paper": number})
    assert page.status_code == 200
    assert page.context["found"] is None


def test_it_escapes_what_sources_wrote(operator_client: Client) -> None:
    [reader] = make_readers(1)
    paper = make_paper(SCRIPT, make_edition())
    given = {"reader": reader.pk, "paper": paper.pk}
    assert "<script>alert(1)" not in operator_client.get(PAGE, given).content.decode()
    asked = operator_client.get(PAGE, {"title": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in asked.content.decode()


def test_it_is_linked_from_the_reader_the_letter_and_the_paper(operator_client: Client) -> None:
    [reader] = make_readers(1)
    paper = make_paper("Folding", make_edition())
    [delivery] = make_deliveries(paper.edition, [reader], "queued")  # type: ignore[arg-type]
    places = {
        f"/admin/subscribers/subscriber/{reader.pk}/": f"{PAGE}?reader={reader.pk}",
        f"/admin/newsletter/delivery/{delivery.pk}/": f"{PAGE}?reader={reader.pk}",
        f"/admin/newsletter/paper/{paper.pk}/": f"{PAGE}?paper={paper.pk}",
    }
    for place, target in places.items():
        assert "Why (not)?" in operator_client.get(f"{place}change/").content.decode()
        assert operator_client.get(f"{place}why/")["Location"] == target


def test_it_refuses_who_may_not_see_readers_or_papers() -> None:
    client = Client()
    assert client.get(PAGE)["Location"].startswith("/admin/login/")
    client.force_login(make_operator("newsletter.view_paper"))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE).status_code in (403, 405)
    assert not Paper.objects.exists()
