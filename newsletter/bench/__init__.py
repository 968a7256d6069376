"""Measurements of Paper Round beside plain limits, in one run: `manage.py bench`.

`generation` invents papers and interests, `match` and `pick` measure, `report` prints.
"""
