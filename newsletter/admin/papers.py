"""Papers, and where they were listed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from newsletter.admin.base import (
    Admin,
    ReadOnlyAdmin,
    ReadOnlyInline,
    button,
    format_day,
    link,
)
from newsletter.admin.explain import explain_url, show_explanation
from newsletter.admin.filters import EditionFilter
from newsletter.admin.paper_import import show_import
from newsletter.editions import EditionError, hide_papers
from newsletter.matching.display import readable
from newsletter.models import Listing, Paper

HEAVY = ("abstract", "ai_summary", "ai_keywords", "title_key")
BITS = "edition__matched_queries"  # up to 100 kB an edition, and no page shows it
AUTHORS_SHOWN = 30


class ListingInline(ReadOnlyInline):
    model = Listing
    fields = ("source", "listed_on", "seen_at")
    readonly_fields = fields
    ordering = ("listed_on", "source")
    show_change_link = False


@admin.register(Paper)
class PaperAdmin(Admin[Paper]):
    """What sources wrote is not changed here: the next import would write it again.

    The editor's own field is `hidden`, until the paper's edition is frozen.
    """

    list_display = (
        "title_readable",
        "edition_day",
        "listed",
        "upvotes",
        "comments",
        "sources",
    )
    list_filter = (
        EditionFilter,
        "late",
        "hidden",
        ("edition", admin.EmptyFieldListFilter),
    )
    search_fields = ("title", "=arxiv_id", "=doi", "authors")
    search_help_text = "Title, author, arXiv id or DOI"
    ordering = ("-pk",)
    actions = ("hide", "unhide")
    actions_detail = ("explain",)
    actions_list = ("go_import",)
    inlines = (ListingInline,)
    fieldsets = (
        (None, {"fields": ("title_readable", "authors_readable", "abstract_readable", "address")}),
        (
            "Identity",
            {
                "fields": (
                    "arxiv_id",
                    "version",
                    "listed_version",
                    "revised_on",
                    "doi",
                    "other_names",
                    "same_as",
                    "withdrawn_at",
                    "withdrawn_by",
                    "withdrawal",
                    "published_at",
                    "title_raw",
                )
            },
        ),
        (
            "In the letter",
            {"fields": ("edition", "late", "hidden", "upvotes", "comments")},
        ),
        (
            "From the source",
            {
                "fields": (
                    "journal",
                    "note",
                    "organization",
                    "categories_shown",
                    "code_url",
                    "project_url",
                    "summary_shown",
                    "keywords_shown",
                    "stored_at",
                    "updated_at",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Paper]:
        papers = super().get_queryset(request)
        if self.is_list(request):
            return papers.select_related("edition").defer(*HEAVY, BITS).prefetch_related("listings")
        return papers.select_related("edition").defer(BITS)

    @admin.display(description=_("also known as"))
    def other_names(self, paper: Paper) -> str:
        return ", ".join(paper.identifiers.values_list("identifier", flat=True)) or "-"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(show_explanation)
        return [
            path("explain/", view, name="newsletter_paper_explain"),
            path(
                "import/", self.admin_site.admin_view(show_import), name="newsletter_paper_import"
            ),
            *super().get_urls(),
        ]

    @button("Import…", "import-files", "change")
    def go_import(self, request: HttpRequest) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:newsletter_paper_import"))

    @button("Why (not)?", "why", "view")
    def explain(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(explain_url(paper=int(object_id)))

    def get_readonly_fields(self, request: HttpRequest, obj: Paper | None = None) -> list[str]:
        shown: list[Any] = [name for _, group in self.fieldsets for name in group["fields"]]
        return [name for name in shown if name != "hidden"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Paper | None = None) -> bool:
        return super().has_change_permission(request, obj) and not is_frozen(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Paper | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Paper, form: Any, change: bool) -> None:
        """Only `hidden` can have changed, and only until the freeze: the use case judges."""
        self._hide(request, [obj.pk], obj.hidden)

    @admin.action(description="Hide from the edition", permissions=["change"])
    def hide(self, request: HttpRequest, papers: QuerySet[Paper]) -> None:
        self._hide(request, papers.values_list("pk", flat=True), hidden=True)

    @admin.action(description="Show again in the edition", permissions=["change"])
    def unhide(self, request: HttpRequest, papers: QuerySet[Paper]) -> None:
        self._hide(request, papers.values_list("pk", flat=True), hidden=False)

    def _hide(self, request: HttpRequest, paper_ids: Any, hidden: bool) -> None:
        try:
            changed = hide_papers(paper_ids, hidden)
        except EditionError as error:
            self.message_user(request, f"Nothing changed: {error}.", messages.ERROR)
            return
        done = "hidden: no letter will carry them" if hidden else "shown again"
        self.message_user(request, f"{changed} paper{'' if changed == 1 else 's'} {done}.")

    @admin.display(description="Title", ordering="title")
    def title_readable(self, paper: Paper) -> str:
        return readable(paper.title).text

    @admin.display(description="Edition", ordering="edition__date", empty_value="none yet")
    def edition_day(self, paper: Paper) -> str | None:
        day = format_day(paper.edition.date) if paper.edition else None
        marks = [word for word, given in (("late", paper.late), ("hidden", paper.hidden)) if given]
        return ", ".join([day or "none yet", *marks]) if marks else day

    @admin.display(description="Listed")
    def listed(self, paper: Paper) -> str:
        days = sorted({listing.listed_on for listing in paper.listings.all()})
        return ", ".join(f"{day.day}\N{NO-BREAK SPACE}{day:%b}" for day in days[:3]) + (
            " …" if days[3:] else ""
        )

    @admin.display(description="Source")
    def sources(self, paper: Paper) -> str:
        return ", ".join(sorted({listing.source for listing in paper.listings.all()}))

    @admin.display(description="Authors")
    def authors_readable(self, paper: Paper) -> str:
        shown = paper.authors[:AUTHORS_SHOWN]
        more = (paper.author_count or len(paper.authors)) - len(shown)
        return ", ".join(shown) + (f", and {more} more" if more > 0 else "")

    @admin.display(description="Abstract")
    def abstract_readable(self, paper: Paper) -> str:
        return format_html('<div class="pr-prose">{}</div>', readable(paper.abstract).text)

    @admin.display(description="Title as the source wrote it")
    def title_raw(self, paper: Paper) -> str:
        return paper.title

    @admin.display(description="AI summary")
    def summary_shown(self, paper: Paper) -> str:
        return paper.ai_summary

    @admin.display(description="Address")
    def address(self, paper: Paper) -> str | None:
        return link(paper.url, paper.url) if paper.url.startswith(("https:", "http:")) else None

    @admin.display(description="Categories")
    def categories_shown(self, paper: Paper) -> str:
        return ", ".join(paper.categories)

    @admin.display(description="AI keywords")
    def keywords_shown(self, paper: Paper) -> str:
        return format_html_join(", ", "{}", ((word,) for word in paper.ai_keywords))


def is_frozen(paper: Paper | None) -> bool:
    """Return whether the paper's place is settled: its edition is frozen."""
    return bool(paper and paper.edition and paper.edition.frozen_at)


@admin.register(Listing)
class ListingAdmin(ReadOnlyAdmin[Listing]):
    list_display = ("paper_title", "source", "listed_on", "seen_at")
    date_hierarchy = "listed_on"
    search_fields = ("=source", "paper__title", "=paper__arxiv_id")
    search_help_text = "Title, arXiv id, or the exact source"
    ordering = ("-listed_on", "-pk")
    fields = ("paper_title", "source", "listed_on", "seen_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Listing]:
        listings = super().get_queryset(request).select_related("paper")
        return listings.defer(*(f"paper__{name}" for name in HEAVY))

    @admin.display(description="Paper", ordering="paper__title")
    def paper_title(self, listing: Listing) -> str:
        return readable(listing.paper.title).text
