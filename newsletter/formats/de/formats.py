"""Dates and times in German: 20. Nov. 2026, 08:00."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j. M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j. M Y, H:i"

LONG_DAY = "l, j. F Y"  # Freitag, 20. November 2026
DAY = "l, j. F"
SHORT_DAY = "D, j. M"
MONTH_DAY = "j. F Y"
