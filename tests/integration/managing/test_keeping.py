"""Letters read again, the reading list with its exports and its private feed, and feedback."""

from __future__ import annotations

import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.test import Client

from newsletter import links
from newsletter.days import run_day
from newsletter.models import Delivery, Paper, SavedPaper
from newsletter.previews import read_delivery_letter
from newsletter.saving import save_paper
from subscribers.models import Interest, Query
from subscribers.services import unsubscribe
from tests.factories import DAY, FOLDING, MORNING, RL, store, subscribe
from tests.integration.managing.visiting import (
    SITE,
    enter,
    find_links,
    newest_link,
    part_of,
    post,
    read_mails,
    strict_client,
)
from tests.smtp import SmtpServer

pytestmark = pytest.mark.django_db

ADA = "ada@reader.example"
ATOM = "{http://www.w3.org/2005/Atom}"


def send_a_letter(server: SmtpServer, *interests: str) -> tuple[int, str]:
    """Return the reader, and the path of the link under the letter's first paper."""
    reader = subscribe(*(interests or ("reinforcement learning",)), email=ADA)
    store(RL, FOLDING)
    assert run_day(None, MORNING, everyone=True).sent == 1
    (mail,) = [mail for to, mail in read_mails(server) if to == ADA]
    found = [link for link in find_links(mail) if link.startswith(f"{SITE}/f/")]
    return reader, found[0].removeprefix(SITE)


def test_every_paper_of_a_letter_has_one_link_of_the_readers_own(server: SmtpServer) -> None:
    send_a_letter(server, "reinforcement learning", "protein folding")
    mail = read_mails(server)[0][1]
    for kind in ("plain", "html"):
        found = set(re.findall(r"/f/([\w-]+)(~[\d~]+)", part_of(mail, kind)))
        assert (len(found), len({base for base, _ in found})) == (2, 1)
    assert part_of(mail).count("Save it, or get more or less like it:") == 2


def test_it_saves_a_paper_and_takes_it_back(server: SmtpServer) -> None:
    reader, link = send_a_letter(server)
    assert "Save this paper" in strict_client().get(link, follow=True).content.decode()
    assert not SavedPaper.objects.exists()
    page = strict_client().post(link, {"do": "save"}).content.decode()
    assert "Saved to your reading list" in page
    strict_client().post(link, {"do": "save"})
    row = SavedPaper.objects.get()
    assert (row.subscriber_id, row.how, row.paper.title) == (reader, "saved", RL)
    assert "Undone" in strict_client().post(link, {"do": "forget"}).content.decode()
    assert not SavedPaper.objects.exists()


def test_it_mutes_the_word_and_unmutes_it(server: SmtpServer) -> None:
    reader, link = send_a_letter(server, "reinforcement learning", "protein folding")
    page = strict_client().get(link, follow=True).content.decode()
    assert "Not because of this word" in page
    assert "protein folding" not in page
    query = Interest.objects.get(subscriber=reader, text="reinforcement learning").query_id
    other = Interest.objects.get(subscriber=reader, text="protein folding").query_id
    strict_client().post(link, {"do": "mute", "query": other})  # not of this link
    assert "Muted" in strict_client().post(link, {"do": "mute", "query": query}).content.decode()
    muted = Interest.objects.filter(muted=True)
    assert [row.text for row in muted] == ["reinforcement learning"]
    strict_client().post(link, {"do": "unmute", "query": query})
    assert not Interest.objects.filter(muted=True).exists()


def test_it_mutes_an_interest_whose_synonyms_were_switched_since(server: SmtpServer) -> None:
    from subscribers.interests import set_expand

    reader, link = send_a_letter(server)
    query = Query.objects.get(interests__subscriber=reader)
    set_expand(Interest.objects.get(subscriber=reader).pk, False)
    strict_client().post(link, {"do": "mute", "query": query.pk})
    assert Interest.objects.get(subscriber=reader).muted


def test_a_letter_online_stays_as_it_was_when_its_interest_is_muted(server: SmtpServer) -> None:
    reader, _ = send_a_letter(server)
    delivery = Delivery.objects.get()
    before = read_delivery_letter(delivery.pk, reader)
    Interest.objects.filter(subscriber=reader).update(muted=True)
    assert read_delivery_letter(delivery.pk, reader) == before
    assert RL in before.html.replace("\n", " ")


def test_more_like_this_is_kept_and_offers_interests(server: SmtpServer) -> None:
    reader = subscribe("reinforcement learning", email=ADA)
    words = ("half the labels", "offline reinforcement learning")
    store(RL, ai_keywords=words)
    store(FOLDING)
    run_day(None, MORNING, everyone=True)
    paper = Paper.objects.get(title=RL)
    link = links.feedback_url(reader, paper.pk).removeprefix(SITE)
    page = strict_client().post(link, {"do": "like"}).content.decode()
    assert SavedPaper.objects.get().how == "liked"
    for text in words:
        assert f"<bdi>{text}</bdi>" in page
    strict_client().post(link, {"do": "link"})
    client = strict_client()
    client.post(newest_link(server, ADA, "/manage/open/"))
    assert "Add “half the labels”" in client.get("/manage").content.decode()
    post(client, "/manage", "/manage/interests", do="add", text="half the labels")
    assert Interest.objects.filter(subscriber=reader, text="half the labels").exists()
    assert "Add “half the labels”" not in client.get("/manage").content.decode()


def test_it_offers_nothing_that_an_interest_finds_already(server: SmtpServer) -> None:
    reader = subscribe("RL", email=ADA)
    store(RL, ai_keywords=("Reinforcement Learning", "half the labels"))
    run_day(None, MORNING, everyone=True)
    link = links.feedback_url(reader, Paper.objects.get().pk).removeprefix(SITE)
    page = strict_client().post(link, {"do": "like"}).content.decode()
    assert "<bdi>half the labels</bdi>" in page
    assert "<bdi>Reinforcement Learning</bdi>" not in page
    Query.objects.update(expand=False)
    page = strict_client().get(link, follow=True).content.decode()
    assert "<bdi>Reinforcement Learning</bdi>" in page


def test_saving_says_more_than_liking_and_liking_more_than_opening() -> None:
    reader = subscribe("RL")
    store(RL)
    paper = Paper.objects.get()
    for how, kept in (
        ("opened", "opened"), ("liked", "liked"), ("opened", "liked"),
        ("saved", "saved"), ("liked", "saved"),
    ):  # fmt: skip
        save_paper(reader, paper.pk, how, MORNING)
        assert SavedPaper.objects.get().how == kept


@pytest.mark.parametrize("action", ["save", "mute", "like"])
def test_a_link_of_one_reader_is_none_of_another(server: SmtpServer, action: str) -> None:
    _, link = send_a_letter(server)
    other = subscribe("reinforcement learning", email="bob@reader.example")
    token = link.removeprefix("/f/")
    stranger = links.make_token(links.MANAGE, other)
    assert strict_client().post(f"/f/{stranger}", {"do": action}).status_code == 404
    base, _, tail = token.partition("~")
    for mangled in (base, f"{base[:-1]}~{tail}", f"{base}~", f"{base}~{tail}~x"):
        assert strict_client().post(f"/f/{mangled}", {"do": action}).status_code == 404
    assert not SavedPaper.objects.exists()
    assert not Interest.objects.filter(muted=True).exists()


def test_the_link_of_who_left_does_nothing(server: SmtpServer) -> None:
    reader, link = send_a_letter(server)
    unsubscribe(reader, "test", MORNING)
    assert strict_client().post(link, {"do": "save"}).status_code == 410
    assert not SavedPaper.objects.exists()


def save_both(reader: int) -> None:
    for number, paper in enumerate(Paper.objects.order_by("pk")):
        save_paper(reader, paper.pk, "saved", MORNING + timedelta(minutes=number))


def test_the_reading_list_is_shown_and_exported(server: SmtpServer) -> None:
    reader, _ = send_a_letter(server)
    save_both(reader)
    client = enter(server, ADA)
    page = client.get("/manage/saved").content.decode()
    assert page.index(FOLDING) < page.index(RL)
    bib, ris = client.get("/manage/saved.bib"), client.get("/manage/saved.ris")
    assert bib.content.decode().count("@misc{") == 2
    assert ris.content.decode().count("TY  - ") == 2
    assert bib["Content-Disposition"] == 'attachment; filename="saved.bib"'
    assert client.get("/manage/saved.exe").status_code == 404
    post(client, "/manage/saved", "/manage/saved/change", do="drop", paper=Paper.objects.first().pk)  # type: ignore[union-attr]
    assert SavedPaper.objects.count() == 1
    assert strict_client().get("/manage/saved.bib").status_code == 303


def feed_path(client: Client) -> str:
    found = re.search(r"/feed/saved/[\w-]+", client.get("/manage/saved").content.decode())
    assert found
    return found[0]


def test_the_feed_has_an_address_of_its_own_that_can_be_replaced_and_closed(
    server: SmtpServer,
) -> None:
    reader, _ = send_a_letter(server)
    save_both(reader)
    client = enter(server, ADA)
    assert "/feed/saved/" not in client.get("/manage/saved").content.decode()
    post(client, "/manage/saved", "/manage/saved/change", do="open")
    first = feed_path(client)
    response = strict_client().get(first)
    assert response["Content-Type"].startswith("application/atom+xml")
    root = ElementTree.fromstring(response.content)
    assert [e.findtext(f"{ATOM}title") for e in root.findall(f"{ATOM}entry")] == [FOLDING, RL]
    assert ADA not in response.content.decode()
    post(client, "/manage/saved", "/manage/saved/change", do="open")
    second = feed_path(client)
    assert second != first
    assert strict_client().get(first).status_code == 404
    assert strict_client().get(second).status_code == 200
    post(client, "/manage/saved", "/manage/saved/change", do="close")
    assert strict_client().get(second).status_code == 404
    post(client, "/manage/saved", "/manage/saved/change", do="open")
    assert strict_client().get(second).status_code == 404


def test_letters_are_listed_and_read_again(server: SmtpServer) -> None:
    reader, _ = send_a_letter(server)
    client = enter(server, ADA)
    page = client.get("/manage/letters").content.decode()
    assert "Fri 20 Nov" in page
    assert "sent" in page
    delivery = Delivery.objects.get(subscriber=reader)
    letter = client.get(f"/manage/letters/{delivery.pk}")
    assert RL in letter.content.decode().replace("\n", " ")
    assert "default-src 'none'" in letter["Content-Security-Policy"]
    other = subscribe("reinforcement learning", email="bob@reader.example")
    Delivery.objects.filter(pk=delivery.pk).update(subscriber=other)
    assert client.get(f"/manage/letters/{delivery.pk}").status_code == 404


def test_the_list_of_letters_has_thirty_in_few_queries(
    server: SmtpServer, django_assert_max_num_queries: object
) -> None:
    from newsletter.managing import list_letters
    from newsletter.models import Edition

    reader = subscribe("RL", email=ADA)
    for back in range(40):
        edition = Edition.objects.create(date=DAY - timedelta(days=back))
        Delivery.objects.create(
            edition=edition, subscriber_id=reader, covers_from=edition.date, state="empty",
            planned_at=MORNING, next_at=MORNING, finished_at=MORNING,
        )  # fmt: skip
    with django_assert_max_num_queries(1):  # type: ignore[operator]
        letters = list_letters(reader)
    assert len(letters) == 30
    assert letters[0].date == DAY


def test_the_links_of_a_letter_keep_it_small(server: SmtpServer) -> None:
    """Thirty papers, the most a reader can choose, end before Gmail clips, the foot included."""
    reader = subscribe("reinforcement learning", email=ADA, papers_per_letter=30)
    abstract = "We study reinforcement learning in depth. " * 40
    names = tuple(f"Ada Example {n}" for n in range(9))
    for n in range(30):
        store(f"Reinforcement learning, part {n}", abstract=abstract, authors=names)
    run_day(None, MORNING, everyone=True)
    assert Delivery.objects.get(subscriber=reader).picks
    mail = read_mails(server)[0][1]
    html = mail.get_body(("html",))
    assert html is not None
    assert len(str(html.get_payload())) < 90_000
