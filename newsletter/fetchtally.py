"""What a run of fetching came to, counted as it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from newsletter.exchange import show_sample
from newsletter.models import FetchRun


@dataclass(slots=True)
class Tally:
    """A run counted: its last problem with a sample, and until when its host is left alone."""

    requests: int = 0
    unchanged: int = 0
    octets: int = 0
    papers: int = 0
    unseen: int = 0
    new: int = 0
    refused: int = 0
    failures: int = 0
    answers: int = 0
    problem: str = ""
    sample: str = ""
    titles: list[str] = field(default_factory=list)
    held_until: datetime | None = None

    def fail(self, text: str, sample: bytes = b"") -> None:
        self.failures += 1
        self.problem = text[:500]
        self.sample = show_sample(sample) or self.sample

    @property
    def state(self) -> FetchRun.State:
        if self.failures:
            return FetchRun.State.PARTIAL if self.answers else FetchRun.State.FAILED
        return FetchRun.State.PARTIAL if self.held_until else FetchRun.State.DONE
