"""Hugging Face and arXiv as a local server plays them, on a clock moved by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from xml.sax.saxutils import escape

from newsletter.fetching import RunReport, fetch_source
from newsletter.models import Source, SourceDay
from newsletter.politeness import Clock
from tests.http_server import HttpServer, Reply, Seen, Writer

FRIDAY = date(2026, 11, 20)
MORNING = datetime(2026, 11, 20, 4, tzinfo=UTC)
WEEKEND = (5, 6)
ANNOUNCED = time(1)  # UTC in winter: 20:00 Eastern the evening before


def clock_of(traveller: object) -> Clock:
    """The clock of a stopped `time_machine`: sleeping moves it."""
    return Clock(lambda: datetime.now(UTC), lambda s: traveller.shift(s))  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Item:
    """One entry of arXiv's feed."""

    arxiv_id: str
    title: str
    announced: str = "new"
    version: int = 1
    categories: tuple[str, ...] = ()


def make_items(day: date, category: str, count: int) -> list[Item]:
    """New papers of a batch; their numbers never repeat."""
    first = sum(map(ord, category)) % 4 * 20_000 + day.toordinal() % 16 * 1_200
    return [
        Item(
            f"2611.{first + n:05}",
            f"{category} {day:%d %B} number {n}: a study of its own",
            categories=(category,),
        )
        for n in range(count)
    ]


def render_feed(category: str, day: date, items: Iterable[Item]) -> bytes:
    """RSS 2.0 as rss.arxiv.org writes it, every item dated `day`."""
    stamp = f"{day:%a, %d %b %Y} 00:00:00 -0500"
    entries = "".join(
        f"<item><title>{escape(item.title)}</title>"
        f"<link>https://arxiv.org/abs/{item.arxiv_id}</link>"
        f"<description>arXiv:{item.arxiv_id}v{item.version} Announce Type: {item.announced} \n"
        f"Abstract: We study {escape(item.title)} at length.</description>"
        f'<guid isPermaLink="false">oai:arXiv.org:{item.arxiv_id}v{item.version}</guid>'
        + "".join(f"<category>{name}</category>" for name in item.categories or (category,))
        + f"<pubDate>{stamp}</pubDate><arxiv:announce_type>{item.announced}</arxiv:announce_type>"
        "<dc:creator>Ada Example, Noor Sample</dc:creator></item>"
        for item in items
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>'
        f"<title>{category} updates on arXiv.org</title><link>http://rss.arxiv.org</link>"
        f"<description>{category}</description><lastBuildDate>{stamp}</lastBuildDate>"
        f"<pubDate>{stamp}</pubDate>"
        "<skipDays><day>Sunday</day><day>Saturday</day></skipDays>"
        f"{entries}</channel></rss>"
    ).encode()


def render_list(day: date, items: Iterable[Item]) -> bytes:
    """`/list/{category}/new` as arxiv.org writes it: its day, then a section for each kind."""
    headings = {"new": "New submissions", "cross": "Cross submissions"}
    sections, number = [], 0
    for kind in ("new", "cross", "replace"):
        some = [item for item in items if item.announced == kind]
        entries = ""
        for item in some:
            number += 1
            entries += (
                f"<dt><a name='item{number}'>[{number}]</a>\n"
                f'<a href ="/abs/{item.arxiv_id}" title="Abstract" id="{item.arxiv_id}">\n'
                f'arXiv:{item.arxiv_id}\n</a>[<a href="/pdf/{item.arxiv_id}" title="Download PDF">'
                "pdf</a>]</dt>\n<dd><div class='meta'><div class='list-title mathjax'>"
                f"<span class='descriptor'>Title:</span>{escape(item.title)}</div></div></dd>\n"
            )
        if some:
            name = headings.get(kind, "Replacement submissions")
            count = f"(showing {len(some)} of {len(some)} entries)"
            sections.append(f"<h3>{name} {count}</h3>\n{entries}")
    return (
        "<!DOCTYPE html><html lang='en'><head><title>Artificial Intelligence</title></head><body>"
        "<h1>Artificial Intelligence</h1><p>See <a href='/list/cs.AI/recent'>recent</a> articles"
        f"</p><h3>Showing new listings for {day:%A}, {day.day} {day:%B} {day.year}</h3>"
        f"<dl id='articles'>{''.join(sections)}</dl></body></html>"
    ).encode()


def render_oai(day: date, items: Iterable[Item], set_spec: str, token: str = "") -> bytes:
    """OAI-PMH's ListRecords in the format arXiv: what was changed on `day`."""
    records = "".join(
        f"<record><header><identifier>oai:arXiv.org:{item.arxiv_id}</identifier>"
        f"<datestamp>{day}</datestamp><setSpec>{set_spec}</setSpec></header><metadata>"
        f'<arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>{item.arxiv_id}</id>'
        f"{_render_history(day, item)}<authors><author><keyname>Example</keyname>"
        f"<forenames>Ada</forenames></author></authors><title>{escape(item.title)}</title>"
        f"<categories>{' '.join(item.categories)}</categories>"
        f"<abstract>We study {escape(item.title)} at length.</abstract></arXiv>"
        "</metadata></record>"
        for item in items
    )
    nothing = '<error code="noRecordsMatch">none</error>'
    resumption = f"<resumptionToken>{escape(token)}</resumptionToken>" if token else ""
    found = f"<ListRecords>{records}{resumption}</ListRecords>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        f"{found if records else nothing}</OAI-PMH>"
    ).encode()


def _render_history(day: date, item: Item) -> str:
    if item.announced == "new":
        return f"<created>{day - timedelta(days=1)}</created>"
    return f"<created>{day - timedelta(days=40)}</created><updated>{day}</updated>"


def render_daily(day: date, papers: Iterable[tuple[str, str, int]]) -> bytes:
    """`/api/daily_papers` of papers as (arXiv id, title, upvotes)."""
    return json.dumps(
        [
            {
                "paper": {
                    "id": arxiv_id,
                    "title": title,
                    "summary": f"We study {title} at length.",
                    "authors": [{"name": "Ada Example", "hidden": False}],
                    "publishedAt": f"{day - timedelta(days=1)}T17:00:00.000Z",
                    "submittedOnDailyAt": f"{day}T00:00:00.000Z",
                    "upvotes": upvotes,
                },
                "title": title,
                "numComments": 1,
            }
            for arxiv_id, title, upvotes in papers
        ]
    ).encode()


def tagged(body: bytes, seen: Seen) -> Reply:
    """An answer with an ETag, or 304 where the asker has it."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    if seen.headers.get("if-none-match") == tag:
        return Reply(status=304, headers={"ETag": tag})
    return Reply(body, headers={"ETag": tag}, packed=True)


Fault = Callable[[Seen, str], "Reply | Writer | None"]


@dataclass
class Arxiv:
    """rss.arxiv.org: `batches[day, category]`, announced at 01:00 UTC of the day.

    `stale_until[day, category]` serves the batch before under this day's date until then. A fault
    answers in place of the feed where it returns something. `/list/…/new` tells the truth: the
    newest day that was announced, as `listed` has it where that differs from the batch.
    """

    batches: dict[tuple[date, str], list[Item]] = field(default_factory=dict)
    stale_until: dict[tuple[date, str], datetime] = field(default_factory=dict)
    quiet: set[date] = field(default_factory=set)
    fault: Fault = lambda seen, category: None
    listed: dict[tuple[date, str], list[Item]] = field(default_factory=dict)

    def __call__(self, seen: Seen) -> Reply | Writer:
        is_list = seen.path.startswith("/list/")
        category = seen.path.split("/")[2]
        if wrong := self.fault(seen, category):
            return wrong
        today = seen.at.date() if seen.at.time() >= ANNOUNCED else seen.at.date() - timedelta(1)
        if is_list:
            return Reply(self.list_page(today, category))
        if today.weekday() in WEEKEND or today in self.quiet:
            return tagged(render_feed(category, today, []), seen)
        batch = today
        until = self.stale_until.get((today, category))
        if until and seen.at < until:
            batch = self.before(today, category)
        return tagged(render_feed(category, today, self.batches.get((batch, category), [])), seen)

    def list_page(self, today: date, category: str) -> bytes:
        day = today if (today, category) in self.batches else self.before(today, category)
        return render_list(day, self.listed.get((day, category), self.batches[day, category]))

    def before(self, day: date, category: str) -> date:
        return max(d for d, name in self.batches if name == category and d < day)


@dataclass
class Nightly:
    """oaipmh.arxiv.org: the batches of `arxiv` as records changed on their day, there from 03:30.

    A page has 1,000 records, the next one a token.
    """

    arxiv: Arxiv
    fault: Fault = lambda seen, category: None

    def __call__(self, seen: Seen) -> Reply | Writer:
        if token := seen.query.get("resumptionToken"):
            start, day_text, spec = token.split("|")
        else:
            start, day_text, spec = "0", seen.query["from"], seen.query["set"]
        category = ".".join(spec.split(":")[1:])
        if wrong := self.fault(seen, category):
            return wrong
        day, first = date.fromisoformat(day_text), int(start)
        there = seen.at >= datetime.combine(day, time(3, 30), UTC)
        batch = self.arxiv.batches.get((day, category), []) if there else []
        rest = f"{first + 1000}|{day}|{spec}" if len(batch) > first + 1000 else ""
        return Reply(render_oai(day, batch[first : first + 1000], spec, rest), packed=True)


@dataclass
class HuggingFace:
    """huggingface.co: the lists by day, each there from 02:00 UTC; later days are HTTP 400."""

    lists: dict[date, list[tuple[str, str, int]]] = field(default_factory=dict)
    fault: Fault = lambda seen, day: None

    def __call__(self, seen: Seen) -> Reply | Writer:
        day = date.fromisoformat(seen.query["date"])
        if wrong := self.fault(seen, seen.query["date"]):
            return wrong
        if day > seen.at.date():
            return Reply(b'{"error":"date is in the future"}', 400)
        there = seen.at >= datetime.combine(day, time(2), UTC)
        page, limit = int(seen.query.get("p", 0)), int(seen.query.get("limit", 50))
        papers = self.lists.get(day, []) if there else []
        return tagged(render_daily(day, papers[page * limit : (page + 1) * limit]), seen)


def add_arxiv(server: HttpServer, *categories: str, **fields: Any) -> Source:
    return add_source("arXiv", "arxiv-rss", server, {"categories": "\n".join(categories)}, **fields)


def add_huggingface(server: HttpServer, **fields: Any) -> Source:
    return add_source("Hugging Face", "huggingface", server, {}, **fields)


def add_source(
    name: str,
    kind: str,
    server: HttpServer,
    parameters: dict[str, str],
    *,
    base: bool = True,
    **fields: Any,
) -> Source:
    """A source that is on, asked at a local server (with `base`, which feeds do not have)."""
    values: dict[str, Any] = {"first_day": datetime.now(UTC).date(), "every": 240, **fields}
    if base:
        parameters = {**parameters, "base": server.url}
    return Source.objects.create(name=name, kind=kind, parameters=parameters, **values)


def look(source: Source, traveller: Any, **options: Any) -> RunReport:
    report = fetch_source(source.pk, clock=clock_of(traveller), by="command", **options)
    assert report is not None
    return report


def state_of(source: Source, day: date = FRIDAY, part: str = "") -> str:
    return SourceDay.objects.get(source=source, day=day, part=part).state
