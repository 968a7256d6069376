"""Days, weeks and months in addresses, as ISO 8601 writes them; and the marks of links."""

from __future__ import annotations

from datetime import date


class DayConverter:
    """2026-01-16."""

    regex = r"[12]\d{3}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


class MarkConverter:
    """What stands in an address for a link's token: the beginning of its hash."""

    regex = r"[0-9a-f]{10}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class WeekConverter:
    """2026-W03; a value is any day of the week, read as its Monday."""

    regex = r"[12]\d{3}-W\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisocalendar(int(value[:4]), int(value[6:]), 1)

    def to_url(self, value: date) -> str:
        year, week, _ = value.isocalendar()
        return f"{year:04}-W{week:02}"


class MonthConverter:
    """2026-01; a value is any day of the month, read as its first."""

    regex = r"[12]\d{3}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(f"{value}-01")

    def to_url(self, value: date) -> str:
        return f"{value:%Y-%m}"
