"""Why a day is empty: no more is said than what is stored can tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.utils.translation import override

from newsletter.quiet import QuietFacts, SourceDay, SourceState, explain_quiet

FRIDAY = date(2026, 11, 20)
SATURDAY = date(2026, 11, 21)
FACTS = QuietFacts(FRIDAY, today=date(2026, 11, 25), first=date(2026, 1, 5), usual=7, weeks=8)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (replace(FACTS, first=None), "No papers are stored yet"),
        (replace(FACTS, first=SATURDAY), "begin on 21 November 2026"),
        (replace(FACTS, day=SATURDAY, usual=0), "Saturday is quiet: no source listed a paper"),
        (replace(FACTS, day=SATURDAY, usual=0, weeks=1), "announces on working days only"),
        (replace(FACTS, usual=0), "Friday is quiet"),
        (replace(FACTS, today=FRIDAY), "Nothing is listed yet. Of the last 8 same weekdays"),
        (FACTS, "Of the last 8 same weekdays on record, 7 had papers. A holiday of the sources"),
        (replace(FACTS, usual=0, weeks=1), "None came on the Friday before either. A holiday"),
        (replace(FACTS, usual=1, weeks=1), "Papers came on the Friday before. A holiday"),
        (replace(FACTS, usual=0, weeks=0), "No paper is on record for this day. A holiday"),
    ],
)
def test_it_says_what_is_known(facts: QuietFacts, said: str) -> None:
    with override("en"):
        assert said in explain_quiet(facts)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (SourceDay("arXiv", SourceState.QUIET), "arXiv announced nothing for this day."),
        (SourceDay("arXiv", SourceState.LATE), "arXiv is late"),
        (SourceDay("arXiv", SourceState.FAILED), "arXiv could not be read"),
        (SourceDay("arXiv", SourceState.QUIET, "Thanksgiving."), "Thanksgiving."),
    ],
)
def test_it_says_what_the_sources_said(one: SourceDay, said: str) -> None:
    with override("en"):
        assert said in explain_quiet(replace(FACTS, sources=[one]))
        announced = SourceDay("hf", SourceState.ANNOUNCED)
        assert "hf" not in explain_quiet(replace(FACTS, sources=[announced, one]))
