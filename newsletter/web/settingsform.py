"""The form of what a letter is like: hour, zone, days, how many papers, empty days, language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from subscribers import editing, fields
from subscribers.models import MOST_PAPERS_PER_LETTER, MOST_SIMILAR, Subscriber
from subscribers.services import ReaderError, set_schedule

ZONES = sorted(name for name in available_timezones() if "/" in name and name[0].isupper())


class SettingsForm(forms.Form):
    """A reader's choices, read by the same functions as everywhere."""

    language = forms.ChoiceField(choices=lambda: settings.LANGUAGES)
    send_time = forms.CharField(max_length=8)
    timezone = forms.CharField(max_length=64)
    weekdays = forms.MultipleChoiceField(choices=[(str(1 << i), WEEKDAYS[i]) for i in range(7)])
    papers_per_letter = forms.CharField(max_length=3)
    similar_up_to = forms.CharField(max_length=3)
    empty_days = forms.ChoiceField(choices=Subscriber.EmptyDays.choices)

    def __init__(self, data: Mapping[str, Any] | None, *, reader: Subscriber) -> None:
        self.reader = reader
        super().__init__(
            data,
            initial={
                "language": reader.language,
                "send_time": f"{reader.send_time:%H:%M}",
                "timezone": reader.timezone,
                "weekdays": [str(1 << i) for i in range(7) if reader.weekdays >> i & 1],
                "papers_per_letter": reader.papers_per_letter,
                "similar_up_to": reader.similar_up_to,
                "empty_days": reader.empty_days,
            },
        )
        self.fields["weekdays"].error_messages["required"] = _("Choose at least one day.")

    zones = ZONES
    most_papers = MOST_PAPERS_PER_LETTER
    most_similar = MOST_SIMILAR

    def clean_send_time(self) -> Any:
        return self._read("send_time", fields.read_hour)

    def clean_timezone(self) -> Any:
        return self._read("timezone", fields.read_zone)

    def clean_papers_per_letter(self) -> Any:
        return self._read("papers_per_letter", fields.read_papers)

    def clean_similar_up_to(self) -> Any:
        return self._read("similar_up_to", fields.read_similar)

    def clean_weekdays(self) -> int:
        return sum({int(bit) for bit in self.cleaned_data["weekdays"]})

    def _read(self, name: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(self.cleaned_data[name])
        except ReaderError as error:
            raise ValidationError(str(error)) from error

    def save(self, now: datetime) -> None:
        """Keep the choices; the next letter's instant follows them."""
        values = dict(self.cleaned_data)
        with transaction.atomic():
            editing.set_language(self.reader.pk, values.pop("language"))
            editing.set_empty_days(self.reader.pk, values.pop("empty_days"))
            set_schedule(self.reader.pk, now=now, **values)

    @staticmethod
    def read_day(text: str) -> date | None:
        """Return a day written YYYY-MM-DD, None for ""; `ReaderError` for anything else."""
        if not text.strip():
            return None
        try:
            return date.fromisoformat(text.strip())
        except ValueError as error:
            raise ReaderError("until", f"{text[:20]!r} is no day", "write YYYY-MM-DD") from error
