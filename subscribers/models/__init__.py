"""People and what they asked for. Knows no paper, edition, delivery or Celery."""

from subscribers.models.consent import ConsentEvent, Suppression
from subscribers.models.interest import Interest, Query
from subscribers.models.rights import Grant, LimitCount, Signup
from subscribers.models.subscriber import (
    EVERY_DAY,
    MOST_INTERESTS,
    MOST_PAPERS_PER_LETTER,
    MOST_SIMILAR,
    PAPERS_PER_LETTER,
    WORKING_DAYS,
    Subscriber,
)

__all__ = [
    "EVERY_DAY",
    "MOST_INTERESTS",
    "MOST_PAPERS_PER_LETTER",
    "MOST_SIMILAR",
    "PAPERS_PER_LETTER",
    "WORKING_DAYS",
    "ConsentEvent",
    "Grant",
    "Interest",
    "LimitCount",
    "Query",
    "Signup",
    "Subscriber",
    "Suppression",
]
