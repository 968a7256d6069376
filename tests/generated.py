"""Papers made up by number: as long as real ones, with words as rare and as frequent as theirs."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator
from itertools import accumulate

from newsletter.matching.base import Document

COMMON = (  # noqa: SIM905
    "the of and a to in we for that is on with this by as are our from model learning method data "
    "training language network performance large neural which can task deep show framework image "
    "between while these approach based using results propose it their across problem algorithm "
    "system more new representation state policy optimization domain feature agent reasoning graph"
).split()
PHRASES = {  # how many of a hundred sentences say it
    "machine learning": 2.0,
    "reinforcement learning": 1.5,
    "RL": 0.7,
    "large language model": 1.2,
    "LLMs": 2.0,
    "pre-training": 0.6,
    "pretraining": 0.3,
    "fine-tuning": 1.0,
    "federated learning": 0.3,
    "scaling laws": 0.1,
    "grokking": 0.02,
    "over-parameterized": 0.2,
    "one-layer": 0.1,
    "robot": 0.5,
    "protein": 0.3,
    "diffusion models": 0.8,
    "in-context learning": 0.2,
    "graph neural networks": 0.4,
    "SAM": 0.05,
    "don't": 0.05,
    r"na\"{\i}ve": 0.03,
}
SYLLABLES = [c + v for c in (*"bcdfghklmnprstvwz", "tr", "st", "pl") for v in "aeiou"]
NAMES = "Ada Noor Wei Jun Lena Paulo Yann Mira Otto Sana Li Chen Wang Okafor Lima Castro".split()  # noqa: SIM905
FIELDS = ("cs.LG", "cs.CL", "cs.AI", "cs.CV", "stat.ML", "cs.RO")


def make_papers(count: int, seed: int = 1) -> Iterator[Document]:
    """Yield as many papers of about 225 words; the same for the same seed."""
    random_ = random.Random(seed)
    rare = ["".join(random_.choices(SYLLABLES, k=random_.randint(2, 5))) for _ in range(120_000)]
    words = COMMON + rare
    weights = list(accumulate(1 / (rank + 3) ** 1.15 for rank in range(len(words))))
    phrases, odds = list(PHRASES), list(PHRASES.values())

    def sentence(size: int) -> str:
        chosen = [words[bisect(weights, random_.random() * weights[-1])] for _ in range(size)]
        for phrase in random_.choices(phrases, odds, k=int(random_.random() < sum(odds) / 100)):
            chosen[random_.randrange(size)] = phrase
        return " ".join(chosen).capitalize() if random_.random() < 0.5 else " ".join(chosen)

    for number in range(1, count + 1):
        abstract = ". ".join(sentence(random_.randint(14, 26)) for _ in range(11)) + "."
        yield Document(
            id=number,
            title=sentence(random_.randint(6, 13)),
            abstract=abstract,
            keywords=(sentence(2), sentence(2)) if random_.random() < 0.5 else (),
            authors=tuple(" ".join(random_.choices(NAMES, k=2)) for _ in range(4)),
            categories=tuple(random_.sample(FIELDS, 2)),
            organizations=("Example Lab",) if random_.random() < 0.3 else (),
            upvotes=random_.randint(0, 60),
        )
