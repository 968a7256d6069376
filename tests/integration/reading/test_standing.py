"""What became of a paper since it was listed: withdrawn, revised, published, another one's twin."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from newsletter.days import run_day
from newsletter.editions import freeze_edition, match_edition, open_edition
from newsletter.explanations import explain_pair
from newsletter.models import Delivery, Edition, Paper
from newsletter.previews import read_delivery_letter
from newsletter.search import find_papers
from newsletter.sources.base import Withdrawal
from newsletter.storing import store_papers
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db

ID = "2611.00001"
FRIDAY_NIGHT = datetime(2026, 11, 20, 22, tzinfo=UTC)


def page_of(client: Client, title: str, ending: str = "") -> str:
    response = client.get(f"/p/{Paper.objects.get(title=title).pk}{ending}")
    assert response.status_code == 200
    return response.content.decode()


def freeze() -> None:
    edition = open_edition(DAY, MORNING)
    freeze_edition(edition, MORNING)
    match_edition(edition, MORNING)


def withdraw(by: str = "authors", reason: str = "An error in Lemma 2: 1 < 0") -> None:
    store_papers([], [Withdrawal("arXiv", f"arxiv:{ID}", FRIDAY_NIGHT, reason, by)])


@pytest.mark.parametrize("frozen", [False, True])
def test_it_lists_a_withdrawn_paper_nowhere_and_keeps_its_page(
    client: Client, frozen: bool
) -> None:
    store(RL, arxiv_id=ID)
    store(FOLDING)
    if frozen:
        freeze()
    withdraw()
    for path in ("/", f"/d/{DAY}", "/search?q=learning", "/feed", "/week/2026-W47"):
        assert RL not in client.get(path).content.decode(), path
    assert not find_papers("reinforcement learning").ids
    page = page_of(client, RL)
    assert "Withdrawn on 20 November 2026 by its authors." in page
    assert "They say: “An error in Lemma 2: 1 &lt; 0”" in page
    assert '<meta name="robots" content="noindex">' in page
    assert "note          = {Withdrawn on 2026-11-20}" in page_of(client, RL, ".bib")
    assert "N1  - Withdrawn on 2026-11-20\r\n" in page_of(client, RL, ".ris")


@pytest.mark.parametrize(
    ("by", "said", "german"),
    [
        (
            "source",
            "Withdrawn on 20 November 2026 by the archive that had it.",
            "Am 20. November 2026 von seinem Archiv zurückgezogen.",
        ),
        (
            "journal",
            "Retracted on 20 November 2026 by its journal.",
            "Am 20. November 2026 von seiner Zeitschrift widerrufen.",
        ),
    ],
)
def test_it_says_who_took_a_paper_back(client: Client, by: str, said: str, german: str) -> None:
    store(RL, arxiv_id=ID)
    withdraw(by)
    page = page_of(client, RL)
    assert said in page
    assert "They say" not in page  # the words are the source's own
    response = client.get(f"/p/{Paper.objects.get().pk}", headers={"accept-language": "de"})
    assert german in response.content.decode()


def test_it_does_not_bring_back_what_an_editor_hid(client: Client) -> None:
    store(RL, arxiv_id=ID)
    Paper.objects.update(hidden=True)
    withdraw()
    assert client.get(f"/p/{Paper.objects.get().pk}").status_code == 410


def test_it_leads_from_a_twin_to_the_paper_that_is_kept(client: Client) -> None:
    store(RL, arxiv_id=ID)
    store(RL, doi="10.1000/xyz", authors=("Somebody Else",))
    kept, twin = Paper.objects.order_by("pk")
    store(RL, arxiv_id=ID, doi="10.1000/xyz")
    response = client.get(f"/p/{twin.pk}")
    assert (response.status_code, response["Location"]) == (301, f"/p/{kept.pk}")
    withdraw_twin = Withdrawal("crossref", "doi:10.1000/xyz", FRIDAY_NIGHT, "", "journal")
    store_papers([], [withdraw_twin])
    assert "Retracted on" in page_of_key(client, kept.pk)


def page_of_key(client: Client, key: int) -> str:
    return client.get(f"/p/{key}").content.decode()


def test_it_says_that_there_is_a_newer_version(client: Client) -> None:
    store(RL, arxiv_id=ID, version=1)
    assert "since" not in page_of(client, RL).split("<article")[1].split("</article")[0]
    monday = date(2026, 11, 23)
    store(RL, arxiv_id=ID, version=2, announced="replace", listed_on=monday)
    for path in (f"/d/{DAY}", "/search?q=learning", "/feed"):
        assert "v2 since 23 Nov 2026" in client.get(path).content.decode(), path
    assert "v2 since 23 Nov 2026" in page_of(client, RL)
    assert "version       = {2}" in page_of(client, RL, ".bib")
    assert "ET  - v2\r\n" in page_of(client, RL, ".ris")
    feed = client.get("/feed").content.decode()
    stamps = feed.split("<updated>")[1:]
    assert all(stamp >= "2026-11-23" for stamp in stamps)  # readers of feeds are shown it again
    assert not Paper.objects.filter(listings__listed_on=monday).exists()


def test_it_says_where_a_preprint_was_published(client: Client) -> None:
    store(RL, arxiv_id=ID, note="12 pages, $k\\leq 5$ figures")
    later = {"listed_on": DAY + timedelta(days=30), "announced": "replace", "arxiv_id": ID}
    store(RL, journal="J. Gardens 7, 12 (2026)", doi="10.1000/xyz", version=3, **later)
    page = page_of(client, RL)
    assert "<bdi>J. Gardens 7, 12 (2026)</bdi>" in page
    assert '<a href="https://doi.org/10.1000/xyz" rel="noopener noreferrer">doi:10.1000/xyz' in page
    assert "12 pages, k≤ 5 figures" in page or "12 pages, k ≤ 5 figures" in page
    assert '<meta name="citation_journal_title" content="J. Gardens 7, 12 (2026)">' in page
    assert "J. Gardens 7, 12 (2026)" in client.get(f"/d/{DAY}").content.decode()
    assert "J. Gardens 7, 12 (2026)" in client.get("/feed").content.decode()
    bibtex = page_of(client, RL, ".bib")
    assert bibtex.startswith("@article{")
    assert "journal       = {J. Gardens 7, 12 (2026)}" in bibtex
    assert "doi           = {10.1000/xyz}" in bibtex
    ris = page_of(client, RL, ".ris")
    assert ris.startswith("TY  - JOUR\r\n")
    assert "T2  - J. Gardens 7, 12 (2026)\r\n" in ris


def test_it_leads_from_a_preprints_doi_to_the_article(client: Client) -> None:
    """bioRxiv says which article its preprint became."""
    store(FOLDING, doi="10.1101/2026.01.01", also_known_as=("doi:10.1000/abc",))
    page = page_of(client, FOLDING)
    assert ">doi:10.1000/abc</a>" in page
    assert ">doi:10.1101/2026.01.01</a>" not in page
    assert "Preprint <small" in page


def test_it_says_on_which_day_a_late_paper_was_listed(client: Client) -> None:
    store("Late one", listed_on=DAY - timedelta(days=2))
    store(FOLDING)
    freeze()
    for path in (f"/d/{DAY}", f"/p/{Paper.objects.get(title='Late one').pk}"):
        assert "late: listed on 18 Nov 2026" in client.get(path).content.decode(), path
    assert "late:" not in page_of(client, FOLDING)
    assert "late:" not in client.get("/d/2026-11-18").content.decode()  # there it was in time


def test_it_remembers_for_letters_where_a_paper_had_appeared() -> None:
    store(RL, arxiv_id=ID, journal="Nature")
    freeze()
    store(RL, arxiv_id=ID, journal="Nature 7", listed_on=DAY + timedelta(days=9))
    paper = Paper.objects.get()
    assert (paper.journal, paper.frozen_journal) == ("Nature 7", "Nature")


def test_it_sends_no_withdrawn_paper_and_says_why(settings: Settings) -> None:
    """Withdrawn between the freeze and the reader's hour."""
    with time_machine.travel(MORNING, tick=False):
        reader = subscribe("reinforcement learning", "protein folding")
    store(RL, arxiv_id=ID)
    store(FOLDING)
    freeze()
    withdraw()
    with SmtpServer() as relay:
        settings.EMAIL_URL, settings.EMAIL_TIMEOUT = relay.url, 5
        assert run_day(None, MORNING + timedelta(hours=3), everyone=True).sent == 1
    (letter,) = relay.accepted
    assert FOLDING.encode() in letter.data
    assert b"reinforcement learning with half" not in letter.data
    assert len(Delivery.objects.get(subscriber=reader).picks) == 1
    assert Edition.objects.get().papers.count() == 2
    told = explain_pair(reader, Paper.objects.get(title=RL).pk, FRIDAY_NIGHT)
    assert told.outcome == "withdrawn"
    assert "Withdrawn on 20 November 2026 by its authors." in told.sentence


def test_it_shows_a_letter_online_as_it_was_sent(settings: Settings) -> None:
    """Whatever became of its papers since: withdrawn here, and published elsewhere."""
    reader = subscribe("reinforcement learning")
    store(RL, arxiv_id=ID)
    with SmtpServer() as relay:
        settings.EMAIL_URL, settings.EMAIL_TIMEOUT = relay.url, 5
        assert run_day(None, MORNING + timedelta(hours=3), everyone=True).sent == 1
    delivery = Delivery.objects.get().pk
    before = read_delivery_letter(delivery, reader)
    store(RL, arxiv_id=ID, journal="Nature", version=2, listed_on=DAY + timedelta(days=3))
    withdraw()
    assert read_delivery_letter(delivery, reader) == before
    assert "reinforcement" in before.html
