"""Files imported in the admin: what is stored, and what is said of the rest."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from newsletter.models import Listing, Paper
from tests.integration.admin.makers import make_operator
from tests.unit.sources.samples import SHARED, needs_shared, read_bytes

pytestmark = pytest.mark.django_db

PATH = "/admin/newsletter/paper/import/"


def post(client: Client, *files: tuple[str, bytes], listed_on: str = "") -> str:
    chosen = [SimpleUploadedFile(name, data) for name, data in files]
    response = client.post(PATH, {"chosen": chosen, "listed_on": listed_on})
    assert response.status_code == 200
    return response.content.decode()


def test_it_imports_several_files_and_says_what_each_held(operator_client: Client) -> None:
    page = post(
        operator_client,
        ("page.html", read_bytes("daily-papers.html")),
        ("refs.bib", read_bytes("references.bib")),
        ("report.pdf", b"%PDF-1.7 <script>"),
        listed_on="2026-11-20",
    )
    assert "6 new, 0 updated, 0 repeated." in page
    assert "broken): a brace is not closed" in page
    assert "Nothing of it is stored:" in page
    assert "a PDF file; save the page as text" in page
    days = Listing.objects.values_list("listed_on", flat=True)
    assert set(days) == {date(2026, 11, 20)}
    again = post(
        operator_client, ("page.html", read_bytes("daily-papers.html")), listed_on="2026-11-20"
    )
    assert "0 new" in again


def test_it_says_which_papers_have_no_day(operator_client: Client) -> None:
    page = post(operator_client, ("refs.ris", read_bytes("references.ris")))
    assert "1 has no listing day: archive, found by search and not mailed." in page
    assert not Listing.objects.exists()


def test_it_refuses_nothing_chosen_an_empty_file_and_too_many(operator_client: Client) -> None:
    assert "This field is required." in post(operator_client)
    assert "The submitted file is empty." in post(operator_client, ("empty.txt", b""))
    many = [(f"{number}.txt", b"x") for number in range(21)]
    assert "Choose at most 20 files at once." in post(operator_client, *many)
    assert "Enter a valid date." in post(operator_client, ("a.txt", b"x"), listed_on="20.11.")
    assert not Paper.objects.exists()


def test_it_leads_there_from_the_papers(operator_client: Client) -> None:
    page = operator_client.get("/admin/newsletter/paper/").content.decode()
    assert "import-files" in page
    assert operator_client.get(PATH).status_code == 200


def test_it_asks_for_the_permission(client: Client) -> None:
    client.force_login(make_operator("newsletter.view_paper"))
    assert client.get("/admin/newsletter/paper/").status_code == 200
    assert client.get(PATH).status_code == client.post(PATH).status_code == 403


@needs_shared
def test_it_imports_the_real_pages(operator_client: Client) -> None:
    names = sorted(path.name for path in SHARED.glob("page-*.txt"))
    files = [(name, (SHARED / name).read_bytes()) for name in names]
    page = post(operator_client, *files)
    assert "154 papers" in page
    assert Paper.objects.count() == 154
    assert "have no listing day" in page  # the page without a date of its own
