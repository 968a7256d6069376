"""Dates and times as the letters and pages write them: 20 Nov 2026, 08:00."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j M Y H:i"

# Ours, for `date:"LONG_DAY"` and `date_format(day, "LONG_DAY")`.
LONG_DAY = "l j F Y"  # Friday 20 November 2026
DAY = "l j F"  # Friday 20 November
SHORT_DAY = "D j M"  # Fri 20 Nov
MONTH_DAY = "j F Y"  # 20 November 2026
