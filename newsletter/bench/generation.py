"""Invented papers and interests of the real kind, the same for the same seed.

Papers are sentences of function words (by the sample papers' counts) around terms of one to three
words, drawn by Zipf's law from a vocabulary of sample words and made-up ones. Interests are drawn,
each once, by Zipf's law from the papers' own n-grams.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from newsletter.matching.base import Document
from newsletter.sample import load_sample

VOCABULARY = 12_000  # words
TERMS = 60_000
GLUE = 60  # the sample's most frequent words: they stand between terms and begin no interest
FRESH = 0.4  # of terms are new: what papers say once
EXPONENT = 0.9  # of Zipf's law, for terms and for interests
ABSTRACT_WORDS = 215
WRITTEN = 20_000  # papers, until sentences are used again
SENTENCES = (10, 15)  # of a paper that is put together, set by the words of one that is written
CATEGORIES = ("cs.LG", "cs.CL", "cs.CV", "cs.AI", "cs.RO", "stat.ML", "cs.SE", "cs.IR", "eess.AS")
ACRONYMS = ("LLM", "RL", "GNN", "VLM", "RAG", "SFT", "DPO", "MoE", "NLP", "ASR", "GAN", "VAE")
_WORD = re.compile(r"[a-z]{2,}")
_UNIT = re.compile(r"[A-Za-z0-9-]+|[.,;:!?()]")
_ONSETS = "b c d f g h k l m n p r s t v br cl cr dr fl gr pl pr sp st str tr th ch qu"
_VOWELS = "a e i o u a e i o ea io ou"
_ENDINGS = "n r l t m x nt ct rm st tion ing ive al ic or er ity ment ance ble"


@dataclass(frozen=True, slots=True)
class Workload:
    """Papers and the distinct interests to match against them."""

    papers: tuple[Document, ...]
    interests: tuple[str, ...]


def make_workload(papers: int, interests: int, seed: int = 1) -> Workload:
    """Return so many papers and interests; fewer interests where the papers have no more n-grams.

    Of the interests 70 % are phrases, 20 % have AND, OR or NOT, 10 % a field, a prefix or slack.
    """
    documents = make_papers(papers, seed)
    return Workload(documents, tuple(make_interests(documents, interests, seed)))


def make_papers(number: int, seed: int = 1) -> tuple[Document, ...]:
    """Return invented papers, each of some 225 words."""
    writer = _Writer(random.Random(f"papers {seed}"))  # noqa: S311 (invented text)
    return tuple(writer.write(at + 1) for at in range(number))


def iterate_papers(number: int, seed: int = 1) -> Iterator[Document]:
    """Yield invented papers, one at a time: the first 20,000 as `make_papers` does.

    Those after are sentences, titles and keywords of these, put together anew, of new authors: as
    many words, and eighteen times as fast to write.
    """
    writer = _Writer(random.Random(f"papers {seed}"))  # noqa: S311 (invented text)
    titles: list[str] = []
    sentences: list[str] = []
    keywords: list[tuple[str, ...]] = []
    for at in range(min(number, WRITTEN)):
        paper = writer.write(at + 1)
        yield paper
        titles.append(paper.title)
        sentences += [f"{one}." for one in paper.abstract.removesuffix(".").split(". ")]
        keywords.append(paper.keywords)
    chance = writer.chance
    for at in range(WRITTEN, number):
        told = chance.choices(sentences, k=chance.randint(*SENTENCES))
        yield writer.sign(at + 1, chance.choice(titles), " ".join(told), chance.choice(keywords))


def make_interests(papers: Sequence[Document], number: int, seed: int = 1) -> list[str]:
    """Return distinct interests drawn from the papers' own n-grams."""
    chance = random.Random(f"interests {seed}")  # noqa: S311 (invented text)
    phrases = list(_rank_ngrams(papers))
    weights = list(accumulate(1 / rank**EXPONENT for rank in range(1, len(phrases) + 1)))
    drawn = dict.fromkeys(chance.choices(phrases, cum_weights=weights, k=number // 2))
    rest = [phrase for phrase in phrases if phrase not in drawn]
    chance.shuffle(rest)  # the tail, each once: two in a hundred thousand readers want it
    authors = [author for paper in papers for author in paper.authors]
    made: dict[str, None] = {}
    for phrase in [*drawn, *rest]:
        if len(made) == number:
            break
        kind = chance.random()
        if kind < 0.7:
            made[phrase] = None
        elif kind < 0.9:
            popular = chance.choices(phrases, cum_weights=weights)[0]
            made[_join(phrase, popular, chance.choice(phrases), chance)] = None
        else:
            made[_special(phrase, authors, chance)] = None
    return list(made)


def _rank_ngrams(papers: Sequence[Document]) -> Iterator[str]:
    """Every phrase of one to three words without glue at its ends, the most frequent first."""
    glue = set(_sample_counts()[1])
    counts: Counter[str] = Counter()
    for paper in papers:
        for text in (paper.title, paper.abstract):
            words = _UNIT.findall(text)
            lowers = [word if word in ACRONYMS else word.lower() for word in words]
            for first, word in enumerate(lowers):
                if word in glue or not word[0].isalnum():
                    continue
                for last in range(first + 1, min(first + 4, len(words) + 1)):
                    if not words[last - 1][0].isalnum():
                        break
                    if lowers[last - 1] not in glue:
                        counts[" ".join(lowers[first:last])] += 1
    return (phrase for phrase, _ in counts.most_common())


def _join(phrase: str, popular: str, rare: str, chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.45:
        return f"{phrase} AND {popular}"
    if kind < 0.7:
        return f"{phrase} OR {rare}"
    if kind < 0.9:
        return f'{phrase} -"{popular}"'
    return f"{phrase} AND ({popular} OR {rare})"


def _special(phrase: str, authors: Sequence[str], chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.35:
        words = phrase.split()
        return f'"{phrase}"~{chance.randint(1, 3)}' if len(words) > 1 else f"abs:{phrase}"
    if kind < 0.65 and len(re.split("[ -]", phrase)[-1]) >= 7:
        return f"{phrase[:-2]}*"
    if kind < 0.85:
        return f"{chance.choice(('title', 'abs'))}:{phrase}"
    if kind < 0.95:
        return f'author:"{chance.choice(authors)}"'
    return f"{phrase} AND cat:{chance.choice(CATEGORIES)}"


class _Writer:
    """Writes papers in one vocabulary."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        words, glue, glue_counts = _sample_counts()
        made = {_make_word(chance): None for _ in range(2 * VOCABULARY)}
        self.words = [*words, *made][:VOCABULARY]
        self.word_weights = _zipf(len(self.words))
        self.glue, self.glue_weights = glue, list(accumulate(glue_counts))
        self.terms = [self._make_term() for _ in range(TERMS)]
        self.term_weights = _zipf(TERMS)

    def write(self, number: int) -> Document:
        title = " ".join(word.capitalize() if word.islower() else word for word in self._title())
        abstract = " ".join(self._sentences())
        return self.sign(number, title, abstract, None)

    def sign(
        self, number: int, title: str, abstract: str, keywords: tuple[str, ...] | None
    ) -> Document:
        """A paper of somebody's, published some day; without keywords it is given some."""
        chance = self.chance
        published = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(10**5))
        names = [" ".join(_make_word(chance).title() for _ in range(2)) for _ in range(4)]
        return Document(
            id=number,
            title=title,
            abstract=abstract,
            keywords=tuple(self._draw(chance.randint(0, 4))) if keywords is None else keywords,
            authors=tuple(names[: chance.randint(1, 4)]),
            categories=tuple(dict.fromkeys(chance.choices(CATEGORIES, k=2))),
            organizations=(names[0].split()[0],),
            upvotes=int(chance.paretovariate(0.8)) % 500,
            comments=chance.randrange(5),
            published_at=published,
        )

    def _title(self) -> list[str]:
        first, second, third = self._draw(3)
        return [*first.split(), *self._glue(1), *second.split(), "with", *third.split()]

    def _sentences(self) -> Iterator[str]:
        written = 0
        while written < ABSTRACT_WORDS:
            words: list[str] = []
            for term in self._draw(self.chance.randint(5, 9)):
                words += self._glue(self.chance.randint(0, 2))
                words += term.split()
                if self.chance.random() < 0.08:
                    words[-1] += ","
            written += len(words)
            text = " ".join(words)
            if self.chance.random() < 0.03:
                text += " with $\\alpha = 0.5$"
            yield text[0].upper() + text[1:] + "."

    def _draw(self, number: int) -> list[str]:
        terms = self.chance.choices(self.terms, cum_weights=self.term_weights, k=number)
        return [self._make_term() if self.chance.random() < FRESH else term for term in terms]

    def _glue(self, number: int) -> list[str]:
        return self.chance.choices(self.glue, cum_weights=self.glue_weights, k=number)

    def _make_term(self) -> str:
        size = self.chance.choices((1, 2, 3), (45, 40, 15))[0]
        words = self.chance.choices(self.words, cum_weights=self.word_weights, k=size)
        if self.chance.random() < 0.04:
            words[0] = self.chance.choice(ACRONYMS)
        joiner = "-" if self.chance.random() < 0.1 else " "
        return joiner.join(words)


def _sample_counts() -> tuple[list[str], list[str], list[int]]:
    """The sample papers' other words and their glue, most frequent first, and the glue's counts."""
    counts: Counter[str] = Counter()
    for paper in load_sample(date(2026, 1, 1)).papers:
        counts.update(_WORD.findall(f"{paper.title} {paper.abstract}".lower()))
    ranked = counts.most_common()
    glue = ranked[:GLUE]
    return [word for word, _ in ranked[GLUE:]], [word for word, _ in glue], [n for _, n in glue]


def _make_word(chance: random.Random) -> str:
    onsets, vowels = _ONSETS.split(), _VOWELS.split()
    syllables = chance.choices((1, 2, 3), (2, 5, 3))[0]
    parts = [chance.choice(onsets) + chance.choice(vowels) for _ in range(syllables)]
    return "".join(parts) + chance.choice(_ENDINGS.split())


def _zipf(number: int) -> list[float]:
    return list(accumulate(1 / rank**EXPONENT for rank in range(1, number + 1)))
