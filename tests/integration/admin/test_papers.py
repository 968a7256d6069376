"""Papers and listings in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from newsletter.models import Paper
from tests.integration.admin.makers import SCRIPT, TODAY, make_edition, make_operator, make_paper

pytestmark = pytest.mark.django_db
LIST = "/admin/newsletter/paper/"


def post_action(client: Client, action: str, *papers: Paper) -> str:
    data = {"action": action, "_selected_action": [paper.pk for paper in papers]}
    return client.post(LIST, data, follow=True).content.decode()


def test_it_lists_titles_readable_and_escaped(operator_client: Client) -> None:
    make_paper("Learning $\\alpha$-stable processes")
    make_paper(SCRIPT)
    page = operator_client.get(LIST).content.decode()
    assert "Learning α-stable processes" in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_it_shows_one_paper_escaped_with_its_listings(operator_client: Client) -> None:
    paper = make_paper(SCRIPT, abstract=SCRIPT, authors=[SCRIPT], ai_keywords=[SCRIPT])
    paper.url = "javascript:alert(1)"
    paper.save()
    page = operator_client.get(f"{LIST}{paper.pk}/change/").content.decode()
    assert "<script>alert(1)" not in page
    assert 'href="javascript:' not in page
    assert "20 Nov 2026" in page


@pytest.mark.parametrize("text", ["folding", "2511.00001", "10.1/x", "Noor Sample"])
def test_it_finds_papers(operator_client: Client, text: str) -> None:
    make_paper("Protein folding", arxiv_id="2511.00001", doi="10.1/x", authors=["Noor Sample"])
    make_paper("Another")
    found = operator_client.get(LIST, {"q": text}).context["cl"].result_list
    assert [paper.title for paper in found] == ["Protein folding"]


def test_it_filters_by_edition_and_by_having_none(operator_client: Client) -> None:
    edition = make_edition()
    make_paper("In it", edition, late=True)
    make_paper("Waits")

    def titles(**filters: Any) -> list[str]:
        found = operator_client.get(LIST, filters).context["cl"].result_list
        return [paper.title for paper in found]

    assert titles(edition=edition.pk) == ["In it"]
    assert titles(edition__isempty=1) == ["Waits"]
    assert titles(late__exact=1) == ["In it"]
    assert titles(edition="nonsense") == []


def test_it_asks_as_many_questions_for_many_papers(
    operator_client: Client, django_assert_max_num_queries: Any
) -> None:
    edition = make_edition()
    make_paper("One", edition)
    operator_client.get(LIST)
    with django_assert_max_num_queries(9):
        operator_client.get(LIST)
    for number in range(40):
        make_paper(f"Paper {number}", edition)
    with django_assert_max_num_queries(9):
        assert len(operator_client.get(LIST).context["cl"].result_list) == 41


def test_it_leaves_the_abstract_out_of_the_list(operator_client: Client) -> None:
    make_paper("Heavy", make_edition(), abstract="long")
    [paper] = operator_client.get(LIST).context["cl"].result_list
    assert "abstract" in paper.get_deferred_fields()
    assert "matched_queries" in paper.edition.get_deferred_fields()


def test_it_hides_papers_until_their_edition_is_frozen(operator_client: Client) -> None:
    waiting, settled = make_paper("Waits"), make_paper("Settled", make_edition())
    assert "1 paper hidden" in post_action(operator_client, "hide", waiting)
    assert "Nothing changed" in post_action(operator_client, "hide", waiting, settled)
    waiting.refresh_from_db()
    settled.refresh_from_db()
    assert (waiting.hidden, settled.hidden) == (True, False)
    assert "1 paper shown again" in post_action(operator_client, "unhide", waiting)


def test_it_lets_only_hidden_be_changed(operator_client: Client) -> None:
    paper = make_paper("Waits", arxiv_id="2511.00001")
    url = f"{LIST}{paper.pk}/change/"
    listings = {"listings-TOTAL_FORMS": 0, "listings-INITIAL_FORMS": 0}
    changed = {"hidden": "on", "title": "New", "arxiv_id": "9999.99999"}
    operator_client.post(url, {**listings, **changed})
    paper.refresh_from_db()
    assert (paper.hidden, paper.title, paper.arxiv_id) == (True, "Waits", "2511.00001")
    paper.edition = make_edition()
    paper.save()
    assert operator_client.post(url, listings).status_code == 403
    paper.refresh_from_db()
    assert paper.hidden


def test_it_refuses_who_may_not_see_papers() -> None:
    client = Client()
    assert client.get(LIST)["Location"].startswith(reverse("admin:login"))
    client.force_login(make_operator("newsletter.view_delivery"))
    assert client.get(LIST).status_code == 403


def test_it_offers_hiding_only_to_who_may_change() -> None:
    client = Client()
    client.force_login(make_operator("newsletter.view_paper"))
    paper = make_paper("Waits")
    post_action(client, "hide", paper)
    paper.refresh_from_db()
    assert not paper.hidden


def test_it_lists_listings_read_only(
    operator_client: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        make_paper(f"Paper {number}", day=TODAY)
    with django_assert_max_num_queries(10):
        page = operator_client.get("/admin/newsletter/listing/").content.decode()
    assert "Paper 7" in page
    assert operator_client.get("/admin/newsletter/listing/add/").status_code == 403
