"""A seeded world: sixty readers, three editions, a relay that refuses, people leaving, changing.

It goes through the real day three times; what it keeps besides is only what a test cannot read
from the mails and the tables: whose interests were changed after the last letter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from newsletter.days import prepare_edition, run_day
from newsletter.editions import hide_papers, open_edition
from newsletter.models import Delivery, Paper
from newsletter.planning import plan_edition
from newsletter.storing import store_papers
from subscribers.models import Interest, Subscriber
from subscribers.services import add_interest, set_schedule, suppress_address, unsubscribe
from tests.factories import DAY, MORNING, fetched, subscribe
from tests.smtp import SmtpServer

READERS, PAPERS_A_DAY = 60, 14
NOUNS = ("labels", "folding", "galaxies", "agents", "sampling", "graphs", "proteins", "memory")
PHRASES = ("reinforcement learning", "RL", "SAM", "Sam", "LLM", "large language models", "survey",
           "prompt tuning and learning", "diffusion models", "GNNs", "pre-training", "pretraining",
           "federated learning", "federated meta learning")  # fmt: skip
CATEGORIES = ("cs.LG", "cs.AI", "stat.ML", "q-bio.BM")
ORGANIZATIONS = ("Sample Institute", "Example Lab", "")
QUERIES = ("RL", '"RL"', "reinforcement learning", "SAM", "sam", "LLM -survey", "folding -RL",
           "folding OR galaxies", "labels AND agents", "title:folding", "abs:graphs", "memor*",
           '"federated learning"~1', "federated learning", "prompt learning", "cat:cs",
           "cat:cs.AI -labels", "org:sample", "diffusion model", "GNN OR (agents -memory)",
           "pretraining", "proteins -(survey OR LLM)", "sampling", "quantum", "(RL OR LLM) graphs",
           "galaxy", "memory -title:memory", "learning", "cat:cs.LG OR cat:stat")  # fmt: skip
# A reader's address tells the relay what to do: most are fine.
MAILBOXES = ("ok",) * 20 + ("h550", "t451", "d552", "drop")


@dataclass
class World:
    """What the test must know beside mails and tables."""

    chance: random.Random
    server: SmtpServer
    changed: set[int] = field(default_factory=set)  # readers who changed after their last letter
    added: set[int] = field(default_factory=set)  # interests that had no say in any done letter
    readers: list[int] = field(default_factory=list)
    papers: list[int] = field(default_factory=list)
    number: int = 0


def make_world(server: SmtpServer, seed: int) -> World:
    """Live three days, then let people change; nothing is mailed after that."""
    world = World(random.Random(seed), server)
    add_readers(world, READERS - 12, days_ago=2)
    add_papers(world, 6, days_ago=30)  # archive
    for days_ago in (2, 1, 0):
        live_day(world, days_ago)
        if days_ago:
            add_readers(world, 6, days_ago - 1)  # they come after that edition
            let_some_leave(world)
    add_papers(world, 4, days_ago=0)  # after the freeze: they wait
    change_interests(world)
    let_some_leave(world)
    world.papers = list(Paper.objects.values_list("pk", flat=True))
    return world


def add_readers(world: World, count: int, days_ago: int) -> None:
    chance = world.chance
    for _ in range(count):
        name = f"{chance.choice(MAILBOXES)}-{len(world.readers)}"
        interests = chance.sample(QUERIES, chance.randint(1, 6))
        starred = [interests.pop()] if chance.random() < 0.3 else []
        reader = subscribe(
            *(interests or ["RL"]),
            starred=starred,
            email=f"{name}@reader.example",
            papers_per_letter=chance.randint(1, 5),
            now=MORNING - timedelta(days=days_ago),
        )
        world.readers.append(reader)


def add_papers(world: World, count: int, days_ago: int) -> None:
    chance, rows = world.chance, []
    for _ in range(count):
        world.number += 1
        words = [chance.choice(NOUNS), chance.choice(PHRASES), f"number {world.number}"]
        chance.shuffle(words)
        said = " ".join(chance.sample(NOUNS + PHRASES, 3))
        rows.append(
            fetched(
                f"On {' with '.join(words)}",
                abstract=f"We look at {said}. It works, and {chance.choice(NOUNS)} help.",
                arxiv_id=f"2611.{10_000 + world.number}",
                categories=tuple(chance.sample(CATEGORIES, 2)),
                organization=chance.choice(ORGANIZATIONS),
                upvotes=chance.randint(0, 60),
                listed_on=DAY - timedelta(days=days_ago),
            )
        )
    store_papers(rows)


def live_day(world: World, days_ago: int) -> None:
    """Import, hide two, freeze, plan; some leave with a letter queued, some letters wait."""
    now, chance = MORNING - timedelta(days=days_ago), world.chance
    add_papers(world, PAPERS_A_DAY, days_ago)
    if days_ago < 2:
        add_papers(world, 2, days_ago + 1)  # late
    waiting = Paper.objects.filter(edition=None, listings__listed_on=now.date())
    hide_papers(chance.sample(list(waiting.values_list("pk", flat=True).order_by("pk")), 2), True)
    open_edition(now.date(), now)
    edition_id, _ = prepare_edition(now.date(), now)
    plan_edition(edition_id, now, everyone=True)
    queued = Delivery.objects.filter(edition=edition_id, state="queued").order_by("pk")
    rows = list(queued.values_list("pk", "subscriber"))
    for _, reader in chance.sample(rows, 2):
        unsubscribe(reader, "a test", timezone.now())
    for _, reader in chance.sample(rows, 2):
        suppress_address(Subscriber.objects.get(pk=reader).email, "complaint")
    held = [pk for pk, _ in chance.sample(rows, 5)]
    Delivery.objects.filter(pk__in=held).update(next_at=F("next_at") + timedelta(days=1))
    run_day(None, now, everyone=True)


def let_some_leave(world: World) -> None:
    reading = Subscriber.objects.filter(status="confirmed").order_by("pk")
    for reader in world.chance.sample(list(reading.values_list("pk", flat=True)), 2):
        unsubscribe(reader, "a test", timezone.now())


def change_interests(world: World) -> None:
    for reader in world.chance.sample(world.readers, 12):
        world.changed.add(reader)
        match world.chance.randrange(4):
            case 0:
                before = set(Interest.objects.values_list("pk", flat=True))
                world.added |= {add_interest(reader, world.chance.choice(QUERIES))} - before
            case 1:
                Interest.objects.filter(subscriber=reader).order_by("pk")[0].delete()
            case 2:
                Interest.objects.filter(subscriber=reader).update(weight=2)
            case _:
                set_schedule(reader, now=MORNING, papers_per_letter=30)
