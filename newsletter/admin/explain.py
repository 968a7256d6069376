"""Why (not)? One reader, one paper: looked for, chosen, explained. Nothing is changed here."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from newsletter.admin.preview import ReaderChoice, find_readers
from newsletter.explanations import Explanation, ExplanationError, explain_pair
from newsletter.lookup import PaperChoice, find_papers
from newsletter.matching.display import readable
from newsletter.models import Paper
from subscribers.models import Subscriber

PERMISSIONS = ("subscribers.view_subscriber", "newsletter.view_paper")
LONGEST_NUMBER = 18


@require_safe
def show_explanation(request: HttpRequest) -> HttpResponse:
    """Explain `?reader=` and `?paper=` (numbers); `?email=` and `?title=` look for them."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    email = request.GET.get("email", "").strip()
    title = request.GET.get("title", "").strip()
    reader = choose_reader(request.GET.get("reader", ""))
    paper = choose_paper(request.GET.get("paper", ""))
    readers = find_readers(email) if email else []
    papers = find_papers(title) if title else []
    # What was just typed is looked for: one find is the choice.
    if email:
        reader = readers[0] if len(readers) == 1 else None
    if title:
        paper = papers[0] if len(papers) == 1 else None
    found, problem = explain_chosen(reader, paper)
    context = {
        **admin.site.each_context(request),
        "title": "Why (not)?",
        "reader": reader,
        "paper": paper,
        "email": email,
        "sought": title,
        "readers": readers if not reader else [],
        "papers": papers if not paper else [],
        "found": found,
        "problem": problem,
    }
    return TemplateResponse(request, "admin/newsletter/explain.html", context)


def explain_chosen(
    reader: ReaderChoice | None, paper: PaperChoice | None
) -> tuple[Explanation | None, str]:
    if reader is None or paper is None:
        return None, ""
    try:
        return explain_pair(reader.id, paper.id, timezone.now()), ""
    except ExplanationError as error:  # gone since it was chosen
        return None, str(error)


def choose_reader(number: str) -> ReaderChoice | None:
    reader = Subscriber.objects.filter(pk=read_number(number)).first()
    return ReaderChoice(reader.pk, reader.email, reader.get_status_display()) if reader else None


def choose_paper(number: str) -> PaperChoice | None:
    paper = Paper.objects.filter(pk=read_number(number)).first()
    if paper is None:
        return None
    return PaperChoice(paper.pk, readable(paper.title).text, paper.arxiv_id or "", paper.doi or "")


def read_number(text: str) -> int:
    """Return a row's number; 0, which no row has, for what is none."""
    plain = text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER
    return int(text) if plain else 0


def explain_url(**chosen: int) -> str:
    """Return the page's address with a `reader`, a `paper` or both chosen."""
    return f"{reverse('admin:newsletter_paper_explain')}?{urlencode(chosen)}"
