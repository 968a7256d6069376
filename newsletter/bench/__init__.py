"""Measurements of Paper Round beside plain limits, in one run: `manage.py bench`.

`generation` and `readers` invent papers, interests and readers; `match`, `pick`, `letters` and the
others measure, `sender` and `wire` are what `letters` runs; `report` prints.
"""
