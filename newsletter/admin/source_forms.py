"""The form of a source: its kind's parameters as typed fields."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from newsletter.models import Source
from newsletter.sources.asking import Parameter, ParameterError
from newsletter.sources.registry import SOURCES

PREFIX = "parameter_"
FIELDS = (
    "name", "kind", "enabled", "daily", "every", "expected_by", "first_day", "secret_env",
)  # fmt: skip


def list_kinds() -> list[tuple[str, str]]:
    """Return the kinds that can be fetched by schedule, as choices."""
    return [(kind, gettext(one.label)) for kind, one in SOURCES.items() if not one.on_demand]


class SourceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A source that exists: its kind stays, its parameters are checked as its loader reads them."""

    class Meta:
        model = Source
        fields = ("name", "enabled", "daily", "every", "expected_by", "first_day", "secret_env")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        kind = SOURCES.get(self.instance.kind)
        if kind is None:
            known = ", ".join(SOURCES)
            message = gettext("%(kind)s is no kind of source that is known here: %(known)s.")
            self.add_error(None, message % {"kind": self.instance.kind, "known": known})
            return data
        values = {p.name: data.get(PREFIX + p.name) or "" for p in kind.parameters}
        try:
            kind.read_parameters(values)
        except ParameterError as error:
            for name, reason in error.reasons.items():
                self.add_error(PREFIX + name, reason)
        # What is left at its default follows the default when that changes.
        data["parameters"] = {
            p.name: value
            for p in kind.parameters
            if (value := values[p.name].strip()) and value != p.default
        }
        return data


class NewSourceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A source to be: its name and kind; the next page asks for the rest."""

    class Meta:
        model = Source
        fields = ("name", "kind")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = forms.ChoiceField(choices=list_kinds(), widget=UnfoldAdminSelectWidget())
        kind.help_text = gettext("Off until you have looked at the next page.")
        self.fields["kind"] = kind


def make_form(source: Source) -> type[SourceForm]:
    """Return the form class with a field for each parameter of the source's kind."""
    fields = {
        PREFIX + parameter.name: make_field(parameter, source.parameters.get(parameter.name, ""))
        for parameter in list_parameters(source)
    }
    return type("TypedSourceForm", (SourceForm,), fields)


def make_field(parameter: Parameter, value: str) -> forms.Field:
    options: dict[str, Any] = {
        "label": gettext(parameter.label),
        "help_text": gettext(parameter.help) if parameter.help else "",
        "required": parameter.required and not parameter.default,
        "initial": value or parameter.default,
    }
    if parameter.choices:
        choices = [(name, gettext(label)) for name, label in parameter.choices]
        widget: Any = UnfoldAdminSelectWidget()
        return forms.ChoiceField(choices=choices, widget=widget, **options)
    widget = (
        UnfoldAdminTextareaWidget(attrs={"rows": 4})
        if parameter.lines
        else UnfoldAdminTextInputWidget()
    )
    return forms.CharField(widget=widget, strip=True, max_length=5000, **options)


def list_parameters(source: Source) -> tuple[Parameter, ...]:
    """Return what the source's kind asks for; nothing where the kind is not known (any more)."""
    return SOURCES[source.kind].parameters if source.kind in SOURCES else ()


def parameter_fields(source: Source) -> list[str]:
    return [PREFIX + parameter.name for parameter in list_parameters(source)]
