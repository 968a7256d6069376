"""The admin's forms: every field is read by the same functions as in commands and imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from subscribers import fields, services
from subscribers.models import (
    EVERY_DAY,
    MOST_INTERESTS,
    Interest,
    Subscriber,
    Suppression,
)

if TYPE_CHECKING:
    SubscriberModelForm = forms.ModelForm[Subscriber]
    InterestModelForm = forms.ModelForm[Interest]
    SuppressionModelForm = forms.ModelForm[Suppression]
    InterestInlineFormSet = BaseInlineFormSet[Interest, Subscriber, "InterestForm"]
else:
    SubscriberModelForm = InterestModelForm = SuppressionModelForm = forms.ModelForm
    InterestInlineFormSet = BaseInlineFormSet

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class WeekdaysField(forms.TypedMultipleChoiceField):
    """Days as boxes; the value is the mask, bit 0 is Monday."""

    def __init__(self, **kwargs: Any) -> None:
        choices = [(1 << i, day) for i, day in enumerate(DAYS)]
        widget = UnfoldAdminCheckboxSelectMultipleWidget
        super().__init__(choices=choices, coerce=int, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return [1 << i for i in range(7) if value >> i & 1] if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        return sum(set(super().clean(value)))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class SubscriberForm(SubscriberModelForm):
    """A reader's letters; the address only when the reader is added."""

    weekdays = WeekdaysField(initial=EVERY_DAY, help_text="Days a letter goes out.")

    class Meta:
        model = Subscriber
        fields = (
            "email", "timezone", "send_time", "weekdays", "papers_per_letter", "similar_up_to",
        )  # fmt: skip

    def clean_email(self) -> str:
        try:
            return services.check_new_address(self.cleaned_data["email"])
        except services.ReaderError as error:
            raise ValidationError(str(error)) from error

    def clean_timezone(self) -> str:
        try:
            return fields.read_zone(self.cleaned_data["timezone"])
        except services.ReaderError as error:
            raise ValidationError(str(error)) from error


class InterestForm(InterestModelForm):
    """One interest; its query is parsed as it is typed and shared when it is saved."""

    expand = forms.BooleanField(
        label="synonyms",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text="RL also finds reinforcement learning",
    )

    class Meta:
        model = Interest
        fields = ("text", "weight", "position")
        widgets = {"text": UnfoldAdminTextInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["expand"] = self.instance.query.expand

    def clean_text(self) -> str:
        try:
            query = fields.read_query(self.cleaned_data["text"])
        except services.InterestError as error:
            raise ValidationError(str(error)) from error
        self.cleaned_data["canonical"] = query.canonical
        return query.typed

    def save(self, commit: bool = True) -> Interest:
        data = self.cleaned_data
        self.instance.query_id = services.intern_query(data["text"], data["expand"])
        return super().save(commit)


class InterestFormSet(InterestInlineFormSet):
    """All interests of one reader: none twice, not more than allowed."""

    def clean(self) -> None:
        super().clean()
        seen: set[tuple[str, bool]] = set()
        for form in self.forms:
            data = getattr(form, "cleaned_data", {})
            if "canonical" not in data or data.get("DELETE"):
                continue
            key = (data["canonical"], data["expand"])
            if key in seen:
                form.add_error("text", "This reader has the same interest already: remove one.")
            seen.add(key)
        if len(seen) > MOST_INTERESTS:
            raise ValidationError(
                f"{len(seen)} interests: a reader has at most {MOST_INTERESTS}, remove some."
            )


class SuppressionForm(SuppressionModelForm):
    """An address to mail nothing to; only its keyed hash is kept."""

    address = forms.CharField(widget=UnfoldAdminEmailInputWidget, max_length=254)

    class Meta:
        model = Suppression
        fields = ("reason", "note")

    def clean_address(self) -> str:
        try:
            address = services.normalise_address(self.cleaned_data["address"])
        except services.ReaderError as error:
            raise ValidationError(str(error)) from error
        if services.is_suppressed(address):
            raise ValidationError("This address is suppressed already.")
        return address
