"""One run: a source's requests asked in turn, and each answer kept with what it says of its day."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import F

from newsletter.crosscheck import check_part, list_checks
from newsletter.exchange import LONGEST_URL, ProblemError, ask
from newsletter.fetchtally import Tally
from newsletter.freshness import utc_day
from newsletter.models import FetchedPage, Quarantined, Source
from newsletter.politeness import Clock, HeldError
from newsletter.sourcedays import (
    DAYS_BACK,
    Look,
    missed_days,
    open_days,
    record_failure,
    record_look,
    record_same,
)
from newsletter.sources import asking
from newsletter.sources.base import FetchedPaper, Refusal
from newsletter.sources.http import Fetched
from newsletter.sources.registry import find_source
from newsletter.storing import find_unseen, store_papers

LEASE = timedelta(minutes=10)  # of a run; each request renews it
RUN = timedelta(minutes=3)  # a run begins no request after that: the next one goes on
MOST_PAGES = 200  # of one part and day: an endless list is no list
MOST_REFUSED = 100  # quarantined of one answer

logger = logging.getLogger("newsletter.fetching")
Progress = Callable[[str], None]


class FetchingError(ValueError):
    """A source cannot be looked at now; the text says why and the mend."""


class Gathering:
    """One look at one source."""

    def __init__(
        self,
        source: Source,
        owner: str,
        clock: Clock,
        tally: Tally,
        say: Progress,
        *,
        dry_run: bool,
        whole: bool,
    ) -> None:
        self.source = source
        self.owner = owner
        self.clock = clock
        self.tally = tally
        self.say = say
        self.dry_run = dry_run
        self.whole = whole  # by the operator's word: unconditionally
        self.kind = find_source(source.kind)
        self.parameters = self.kind.read_parameters(source.parameters)
        self.most: int | None = None  # requests
        self.waiting: deque[asking.Request] = deque()
        self.until = clock.now() + RUN

    def go(self, days: Sequence[date] | None) -> None:
        """Ask for the days, part by part and page by page."""
        now = self.clock.now()
        if days and not self.kind.by_day and list(days) != [utc_day(now)]:
            raise FetchingError(
                f"{self.source.name} shows the day it is at and no other: leave out --date"
            )
        if not self.dry_run:
            open_days(self.source, now)
        waiting = self.waiting
        for day in days or self._list_days(now):
            waiting += self._requests(day)
        while waiting:
            if self.clock.now() > self.until and not self.whole:
                self.tally.fail(f"{len(waiting)} requests are left for the next look")
                return
            if self.most is not None and self.tally.requests >= self.most:
                return
            request = waiting.popleft()
            try:
                following = self._look(request)
            except HeldError as held:
                self.tally.held_until, self.tally.problem = held.until, str(held)
                self.say(str(held))
                return
            if following and following.page < MOST_PAGES:
                waiting.appendleft(following)
        if not self.dry_run:
            self._check()

    def _list_days(self, now: datetime) -> list[date]:
        today = utc_day(now)
        if not self.kind.by_day:
            return [today]
        moving = [today - timedelta(days=n) for n in range(self.kind.refresh_days + 1)]
        wanted = dict.fromkeys([*moving, *missed_days(self.source, now)])
        return [day for day in wanted if day >= self.source.first_day]

    def _requests(self, day: date) -> tuple[asking.Request, ...]:
        contact = settings.CONTACT if "@" in settings.CONTACT else ""
        return self.kind.make_requests(
            self.parameters, asking.Ask(self.source.name, day, contact=contact)
        )

    def _look(self, request: asking.Request) -> asking.Request | None:
        """Ask one thing and keep what came; return its next page, if there is one."""
        self._renew()
        self.tally.requests += 1
        name = f"{self.source.name} {request.part}".strip()
        try:
            got = ask(
                self.source,
                self.kind,
                request,
                self.clock,
                conditional=not self.whole and not self.dry_run and not request.page,
            )
            self.tally.answers += 1
            self.tally.octets += len(got.fetched.body)
            if got.answer is None:
                self._keep_same(request)
                self.say(f"{name} {request.day}: nothing changed")
                return None
            unseen = self._keep(request, got.answer, got.fetched)
        except (HeldError, DatabaseError):
            raise
        except ProblemError as problem:
            self._fail(request, name, str(problem), problem.sample)
            if problem.over:
                self._give_up(f"not asked: {problem}")
            return None
        except Exception as error:  # one answer that nobody foresaw never stops the others
            logger.exception("%s could not be read", name)
            self._fail(request, name, f"{type(error).__name__}: {error}", b"")
            return None
        papers = len(got.answer.papers)
        self.say(f"{name} {request.day}: {papers} papers, {unseen} unseen")
        if got.answer.warning:
            self.tally.problem = got.answer.warning[:500]
            self.say(got.answer.warning)
        return got.answer.following

    def _check(self) -> None:
        """Hold today's answers against the source's own list, where it has one."""
        for request in list_checks(self.source, self.kind, self.parameters, self.clock.now()):
            if self.clock.now() > self.until:
                return
            self._renew()
            self.tally.requests += 1
            try:
                said = check_part(self.source, self.kind, request, self.clock, self.say)
            except HeldError as held:
                self.tally.held_until, self.tally.problem = held.until, str(held)
                said = str(held)
            if said:
                self.tally.problem = self.tally.problem or said[:500]
                self.say(said)
            if self.tally.held_until:
                return

    def _renew(self) -> None:
        lease = self.clock.now() + LEASE
        if not Source.objects.filter(pk=self.source.pk, owner=self.owner).update(lease_until=lease):
            raise FetchingError(f"{self.source.name}: another worker took over after a long pause")

    def _fail(self, request: asking.Request, name: str, text: str, sample: bytes) -> None:
        self.tally.fail(f"{name}: {text}", sample)
        self.say(f"{name} {request.day}: {text}")
        if not self.dry_run:
            with transaction.atomic():
                now = self.clock.now()
                record_failure(self.source, request.part, request.day, text, now)

    def _give_up(self, text: str) -> None:
        """Write down that what is left was not asked: the host is away, or wants to be left."""
        while self.waiting:
            request = self.waiting.popleft()
            if not self.dry_run:
                with transaction.atomic():
                    now = self.clock.now()
                    record_failure(self.source, request.part, request.day, text, now)

    def _keep_same(self, request: asking.Request) -> None:
        self.tally.unchanged += 1
        with transaction.atomic():
            record_same(self.source, request.part, request.day, self.clock.now())

    def _keep(self, request: asking.Request, answer: asking.Answer, fetched: Fetched) -> int:
        """Store an answer, with what it says of its days and of itself, as one; return the unseen.

        Together, because a validator kept without its papers would lose them: the next answer
        would be “not modified”.
        """
        tally = self.tally
        with transaction.atomic():
            looks = self._make_looks(request, answer)
            if not self.dry_run:
                now = self.clock.now()
                counts = store_papers(answer.papers, answer.withdrawals)
                tally.new += counts.new
                for look in looks:
                    record_look(self.source, request.part, look, now)
                self._quarantine(request, answer.refusals, now)
                if answer.following is None:
                    self._keep_validators(request, fetched, now)
        tally.papers += len(answer.papers)
        unseen = sum(look.unseen for look in looks)
        tally.unseen += unseen
        tally.refused += len(answer.refusals)
        tally.titles += [paper.title for paper in answer.papers[: 5 - len(tally.titles)]]
        return unseen

    def _make_looks(self, request: asking.Request, answer: asking.Answer) -> list[Look]:
        """Return what the answer says of the day asked for, and of others it lists papers under."""
        today = utc_day(self.clock.now())
        earliest = today - timedelta(days=DAYS_BACK)
        announced = [p for p in answer.papers if not p.announced.startswith("replace")]
        offered = Counter(p.listed_on for p in announced)
        days = {d for d in offered if d and earliest <= d <= today + timedelta(days=1)}
        empty = not announced and answer.announced_on in (None, request.day)
        first = not request.page
        return [
            Look(
                day,
                offered[day],
                find_unseen(_of_day(announced, day)),
                first=first,
                empty=empty,
                skipped=day.weekday() in answer.skip_days,
            )
            for day in sorted({request.day, *days})
        ]

    def _quarantine(
        self, request: asking.Request, refusals: Sequence[Refusal], now: datetime
    ) -> None:
        for refusal in refusals[:MOST_REFUSED]:
            row, made = Quarantined.objects.get_or_create(
                source=self.source,
                part=request.part,
                day=request.day,
                place=refusal.where[:120],
                reason=refusal.reason[:500],
                defaults={"first_at": now, "last_at": now},
            )
            if not made:
                Quarantined.objects.filter(pk=row.pk).update(times=F("times") + 1, last_at=now)

    def _keep_validators(self, request: asking.Request, fetched: Fetched, now: datetime) -> None:
        if request.page or len(request.url) > LONGEST_URL:
            return
        if not fetched.etag and not fetched.last_modified:
            FetchedPage.objects.filter(source=self.source, url=request.url).delete()
            return
        FetchedPage.objects.update_or_create(
            source=self.source,
            url=request.url,
            defaults={
                "etag": fetched.etag,
                "last_modified": fetched.last_modified,
                "fetched_at": now,
            },
        )


def _of_day(papers: Sequence[FetchedPaper], day: date) -> list[FetchedPaper]:
    return [paper for paper in papers if paper.listed_on == day]
