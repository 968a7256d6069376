"""Papers imported from files an operator chooses: what each held, and what could not be read."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminFileFieldWidget

from newsletter.importing import Imported, import_listings
from newsletter.models import Paper
from newsletter.sources.base import Listing, SourceError
from newsletter.sources.detect import MAX_BYTES, load_file

MOST_FILES = 20


class _FilesInput(UnfoldAdminFileFieldWidget):  # type: ignore[misc]
    allow_multiple_selected = True


class _FilesField(forms.FileField):
    """One or more files, each with something in it."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        given = data if isinstance(data, list | tuple) and data else [data or None]
        if len(given) > MOST_FILES:
            text = gettext("Choose at most %(most)d files at once.") % {"most": MOST_FILES}
            raise forms.ValidationError(text)
        clean = super().clean
        return [clean(one, initial) for one in given]


class ImportForm(forms.Form):
    """The files, and the day they are listed on where they do not say it."""

    chosen = _FilesField(
        label=_("Files"),
        widget=_FilesInput(attrs={"multiple": True}),
        help_text=_(
            "Saved Daily Papers pages as text or HTML, their JSON, feeds, BibTeX, RIS, CSV or JSON "
            "Lines: the format is told by the content. At most 64 MiB each."
        ),
    )
    listed_on = forms.DateField(
        label=_("Listed on"),
        required=False,
        widget=UnfoldAdminDateWidget(),
        help_text=_(
            "The day of every paper in them, as YYYY-MM-DD. Empty: the day the file says. Without "
            "any day papers are archive, found by search and not mailed."
        ),
    )


def show_import(request: HttpRequest) -> HttpResponse:
    """Ask for files; a POST stores what can be read of them and says what cannot."""
    if not request.user.has_perm("newsletter.change_paper"):
        raise PermissionDenied
    imported: Imported | None = None
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        day = form.cleaned_data["listed_on"]
        files = form.cleaned_data["chosen"]
        imported = import_listings([(one.name, partial(_load, one, day)) for one in files])
        form = ImportForm(initial={"listed_on": day})
    context = {
        **admin.site.each_context(request),
        "title": gettext("Import papers"),
        "opts": Paper._meta,
        "form": form,
        "imported": imported,
    }
    return TemplateResponse(request, "admin/newsletter/paper/import.html", context)


def _load(uploaded: UploadedFile[Any], day: Any) -> Listing:
    if (uploaded.size or 0) > MAX_BYTES:
        raise SourceError(f"it has {uploaded.size} bytes, more than {MAX_BYTES // 1024**2} MiB")
    return load_file(uploaded.read(), day)
