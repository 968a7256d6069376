"""Papers, and where they were listed."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from newsletter.models.edition import Edition


class Paper(models.Model):
    """One paper, whatever number of sources and versions listed it.

    Texts are raw, as the source wrote them: matching's spans are offsets into them, and
    `newsletter.matching.display` makes them readable. Identity is the arXiv id without version, the
    DOI, another identifier (`PaperIdentifier`), or the normalised title (`title_key`). A paper
    belongs to one edition for ever; None means it waits for one, or is archive.
    """

    class WithdrawnBy(models.TextChoices):
        AUTHORS = "authors", _("its authors")
        SOURCE = "source", _("its source")
        JOURNAL = "journal", _("its journal")

    arxiv_id = models.CharField("arXiv id", max_length=32, null=True, blank=True, unique=True)
    version = models.PositiveSmallIntegerField(null=True, blank=True)
    listed_version = models.PositiveSmallIntegerField(
        _("version listed"),
        null=True,
        blank=True,
        help_text=_("As first stored: a later one is noted, and not sent again."),
    )
    revised_on = models.DateField(
        _("revised"),
        null=True,
        blank=True,
        help_text=_("When the newest version was announced."),
    )
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    withdrawn_by = models.CharField(
        _("withdrawn by"), max_length=8, choices=WithdrawnBy, blank=True
    )
    withdrawal = models.TextField(
        _("reason of the withdrawal"), blank=True, help_text=_("As the source gives it.")
    )
    same_as = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="duplicates",
        help_text=_("Stored before it was known to be this paper; never sent."),
    )
    doi = models.CharField("DOI", max_length=200, null=True, blank=True, unique=True)
    title = models.TextField()
    title_key = models.TextField(editable=False)
    year = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Of publication.")
    abstract = models.TextField(blank=True)
    url = models.URLField(max_length=500, blank=True)
    published_at = models.DateTimeField("published", null=True, blank=True)
    authors = ArrayField(models.TextField(), default=list, blank=True)
    author_count = models.PositiveIntegerField(null=True, blank=True)
    organization = models.CharField(max_length=300, blank=True)
    organization_handle = models.CharField(max_length=100, blank=True)
    categories = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    upvotes = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    counted_on = models.DateField(
        null=True, blank=True, editable=False, help_text="The listing these counts are of."
    )
    frozen_upvotes = models.PositiveIntegerField(
        default=0,
        help_text="As counted when the edition was frozen: a letter composes the same again.",
    )
    frozen_comments = models.PositiveIntegerField(default=0)
    frozen_journal = models.CharField(max_length=300, blank=True, editable=False)
    thumbnail_url = models.URLField(max_length=500, blank=True)
    project_url = models.URLField(max_length=500, blank=True)
    code_url = models.URLField(max_length=500, blank=True)
    ai_summary = models.TextField(blank=True)
    ai_keywords = ArrayField(models.TextField(), default=list, blank=True)
    journal = models.CharField(max_length=300, blank=True, help_text=_("Where it appeared."))
    note = models.TextField(_("authors' comment"), blank=True)
    origins = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Which kind of source each text is of."
    )
    edition = models.ForeignKey(
        Edition, on_delete=models.PROTECT, null=True, blank=True, related_name="papers"
    )
    late = models.BooleanField(default=False, help_text="Came after its day was frozen.")
    hidden = models.BooleanField(default=False, help_text="Left out of its edition by the editor.")
    hidden_as_withdrawn = models.BooleanField(
        default=False, editable=False, help_text="Hidden by its withdrawal, not by an editor."
    )
    newest_listing = models.DateField(null=True, blank=True, editable=False)
    stored_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["title_key"], name="paper_title_key"),
            models.Index(
                fields=["stored_at"], name="paper_waiting", condition=Q(edition__isnull=True)
            ),
            models.Index(fields=["-newest_listing", "-upvotes"], name="paper_newest"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["title_key", "year"],
                condition=Q(arxiv_id__isnull=True, doi__isnull=True),
                nulls_distinct=False,
                name="paper_title_unique_without_id",
            ),
            models.CheckConstraint(
                condition=~Q(arxiv_id="") & ~Q(doi=""), name="paper_ids_null_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(same_as__isnull=True) | ~Q(same_as=F("id")),
                name="paper_not_same_as_itself",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class PaperIdentifier(models.Model):
    """What a paper is called elsewhere, beside its arXiv id and DOI: a second DOI, a forum."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="identifiers")
    identifier = models.CharField(
        max_length=220, unique=True, help_text="Such as doi:10.1000/xyz or openreview:abc."
    )

    def __str__(self) -> str:
        return self.identifier


class Listing(models.Model):
    """A paper seen in a source on a day. Unique, so importing a file twice changes nothing."""

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="listings")
    source = models.CharField(max_length=40)
    listed_on = models.DateField()
    seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["paper", "source", "listed_on"], name="listing_once_per_day"
            )
        ]
        indexes = [models.Index(fields=["listed_on"], name="listing_day")]

    def __str__(self) -> str:
        return f"{self.source} {self.listed_on}"
