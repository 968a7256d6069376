"""Synonyms in the admin, and what each interest of a reader also finds."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from newsletter.acronyms import learn_synonyms
from newsletter.models import Synonym
from newsletter.synonyms import read_synonyms
from subscribers.services import add_interest
from tests.factories import store, subscribe
from tests.integration.admin.makers import SCRIPT, make_operator

pytestmark = pytest.mark.django_db
LIST = "/admin/newsletter/synonym/"


def propose(short: str = "WFN", long: str = "widget folding network", title: str = "") -> Synonym:
    """What three papers define."""
    for number in range(3):
        text = f"We study the {long} ({short}) at length. {SCRIPT}"
        store(f"{title or short} {number}", abstract=text)
    learn_synonyms()
    return Synonym.objects.get(short=short, source="learnt")


def post_action(client: Client, action: str, *synonyms: Synonym) -> str:
    data = {"action": action, "_selected_action": [synonym.pk for synonym in synonyms]}
    return unescape(client.post(LIST, data, follow=True).content.decode())


def post_form(client: Client, short: str, long: str, state: str, pk: int | None = None) -> str:
    url = f"{LIST}{pk}/change/" if pk else f"{LIST}add/"
    data = {"short": short, "long": long, "state": state}
    return unescape(client.post(url, data, follow=True).content.decode())


def test_it_lists_proposals_first_with_papers_and_an_example(operator_client: Client) -> None:
    propose(title="Folding $\\alpha$")
    response = operator_client.get(LIST)
    first = response.context["cl"].result_list[0]
    assert (first.short, first.papers) == ("WFN", 3)
    assert "Folding α 2" in response.content.decode()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"state__exact": "proposed"}, ["WFN"]),
        ({"source__exact": "learnt"}, ["WFN"]),
        ({"q": "folding"}, ["WFN"]),
        ({"q": "RLHF"}, ["RLHF"]),
    ],
)
def test_it_finds_synonyms(operator_client: Client, filters: Any, found: list[str]) -> None:
    propose()
    rows = operator_client.get(LIST, filters).context["cl"].result_list
    assert [row.short for row in rows] == found


def test_it_lists_in_a_few_queries(
    operator_client: Client, django_assert_max_num_queries: Any
) -> None:
    operator_client.get(LIST)
    with django_assert_max_num_queries(9):
        assert len(operator_client.get(LIST).context["cl"].result_list) == 50


def test_it_shows_the_evidence_marked_and_escaped(operator_client: Client) -> None:
    row = propose(title=SCRIPT)
    subscribe("WFN")
    page = operator_client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "<mark>widget folding network</mark> (<mark>WFN</mark>)" in page
    assert "3 papers define WFN so, 100 % of those that define it" in page
    assert "1 of confirmed readers" in page
    assert "<script>alert(1)" not in page
    assert reverse(
        "admin:newsletter_paper_change", args=[row.evidence["examples"][0]["paper"]]
    ) in (page)


def test_it_accepts_and_rejects(operator_client: Client) -> None:
    row = propose()
    assert "1 synonym accepted." in post_action(operator_client, "accept", row)
    assert ("WFN", "widget folding network") in read_synonyms().pairs
    assert "1 synonym rejected." in post_action(operator_client, "reject", row)
    assert ("WFN", "widget folding network") not in read_synonyms().pairs


def test_it_says_why_an_ambiguous_one_is_not_accepted(operator_client: Client) -> None:
    rival, fine = propose("RL", "rapid light"), propose()
    page = post_action(operator_client, "accept", rival, fine)
    assert "Not accepted: RL is accepted as “reinforcement learning” already" in page
    assert "1 synonym accepted." in page
    assert Synonym.objects.get(pk=rival.pk).state == "proposed"
    assert "RL is accepted as" in post_form(
        operator_client, "RL", "rapid light", "accepted", rival.pk
    )


@pytest.mark.parametrize(
    ("short", "long", "words"),
    [
        ("wfn", "widget folding network", "“wfn” is no acronym"),
        ("RL", "reinforcement-learning", "is here already, accepted: change that one"),
        ("RL", "rapid light", "reject that one first"),
    ],
)
def test_it_refuses_in_the_form(operator_client: Client, short: str, long: str, words: str) -> None:
    assert words in post_form(operator_client, short, long, "accepted")
    assert not Synonym.objects.filter(source="operator").exists()


def test_it_adds_and_edits(operator_client: Client) -> None:
    post_form(operator_client, " WFN ", "widget  folding network", "accepted")
    row = Synonym.objects.get(source="operator")
    assert (row.short, row.long, row.key) == (
        "WFN",
        "widget folding network",
        "widgetfoldingnetwork",
    )
    assert row.decided_at is not None
    post_form(operator_client, "WFN", "wide folding network", "proposed", row.pk)
    row.refresh_from_db()
    assert (row.key, row.state) == ("widefoldingnetwork", "proposed")
    assert row.decided_at is None


def test_it_deletes_none_and_shows_those_who_may_not_change(operator_client: Client) -> None:
    row = propose()
    assert operator_client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    client = Client()
    User.objects.all().delete()
    client.force_login(make_operator("newsletter.view_synonym"))
    assert client.get(f"{LIST}{row.pk}/change/").status_code == 200
    assert client.post(f"{LIST}{row.pk}/change/", {}).status_code == 403


def test_it_shows_what_a_readers_interests_also_find(
    operator_client: Client, django_assert_max_num_queries: Any
) -> None:
    reader = subscribe("RL", "grokking", "GAN", "NLP", "SVM")
    add_interest(reader, "LLM", expand=False)
    url = reverse("admin:subscribers_subscriber_change", args=[reader])
    with django_assert_max_num_queries(16):
        page = operator_client.get(url).content.decode()
    assert "“reinforcement learning”" in page
    assert "<s>“large language model”</s> switched off" in page
