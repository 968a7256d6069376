"""Why a day is empty: no more is said than what is stored can tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.utils.translation import override

from newsletter.quiet import QuietFacts, SourceDay, SourceState, explain_quiet

FRIDAY = date(2026, 11, 20)
SATURDAY = date(2026, 11, 21)
TODAY = date(2026, 11, 25)
FACTS = QuietFacts(FRIDAY, today=TODAY, first=date(2026, 1, 5), usual=7, weeks=8)


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
    ("state", "day", "said", "german"),
    [
        (
            SourceState.QUIET,
            FRIDAY,
            "A holiday, or nothing to announce: arXiv and hf.",
            "Ein Feiertag, oder nichts anzukündigen: arXiv und hf.",
        ),
        (
            SourceState.QUIET,
            SATURDAY,
            "Saturday, when nothing is announced: arXiv and hf.",
            "Samstag, an dem nichts angekündigt wird: arXiv und hf.",
        ),
        (
            SourceState.WAITING,
            TODAY,
            "Not announced yet: arXiv and hf.",
            "Noch nicht angekündigt: arXiv und hf.",
        ),
        (
            SourceState.LATE,
            TODAY,
            "Late, and expected by now: arXiv and hf.",
            "Verspätet, und längst erwartet: arXiv und hf.",
        ),
        (
            SourceState.LATE,
            FRIDAY,
            "Nothing new came, which is unusual: arXiv and hf.",
            "Nichts Neues kam, was ungewöhnlich ist: arXiv und hf.",
        ),
        (
            SourceState.FAILED,
            FRIDAY,
            "Could not be read, and is tried again: arXiv and hf.",
            "Nicht lesbar, und wird wieder versucht: arXiv und hf.",
        ),
        (
            SourceState.FAILED,
            date(2026, 11, 2),
            "Could not be read: arXiv and hf.",
            "Nicht lesbar: arXiv und hf.",
        ),
    ],
)
def test_it_says_which_case_it_was(state: SourceState, day: date, said: str, german: str) -> None:
    announced = SourceDay("journal", SourceState.ANNOUNCED)
    sources = [SourceDay("arXiv", state), announced, SourceDay("hf", state)]
    facts = replace(FACTS, day=day, sources=sources)
    with override("en"):
        assert explain_quiet(facts) == said
    with override("de"):
        assert explain_quiet(facts) == german


def test_it_says_each_case_once_and_what_a_source_says_itself() -> None:
    sources = [
        SourceDay("arXiv", SourceState.QUIET, "Thanksgiving."),
        SourceDay("hf", SourceState.LATE),
        SourceDay("journal", SourceState.FAILED),
    ]
    with override("en"):
        told = explain_quiet(replace(FACTS, day=TODAY, sources=sources))
    assert told == (
        "Thanksgiving. Could not be read, and is tried again: journal. "
        "Late, and expected by now: hf."
    )
