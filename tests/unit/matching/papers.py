"""The papers of the saved pages beside the project, as documents, and small documents by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from newsletter.matching.base import Document
from newsletter.matching.display import title_key
from newsletter.matching.synonyms import Synonyms
from newsletter.sources.pages import load_page

SHARED = Path(__file__).resolve().parents[4] / "shared" / "papers"
needs_pages = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the saved pages are not here: {SHARED}"
)

# The table the expected sets were made with (matching.md §6).
CONTRACT_SYNONYMS = Synonyms.of(
    [
        ("RL", "reinforcement learning"),
        ("LLM", "large language model"),
        ("RLHF", "reinforcement learning from human feedback"),
        ("DPO", "direct preference optimization"),
        ("FL", "federated learning"),
        ("SFT", "supervised fine-tuning"),
        ("RAG", "retrieval-augmented generation"),
        ("RLVR", "reinforcement learning with verifiable rewards"),
        ("SGD", "stochastic gradient descent"),
        ("DRL", "deep reinforcement learning"),
    ]
)


def make_document(title: str = "", abstract: str = "", id: int = 1, **values: Any) -> Document:  # noqa: A002
    values.setdefault("published_at", datetime(2026, 1, 1, tzinfo=UTC))
    return Document(id=id, title=title, abstract=abstract, **values)


@cache
def page_documents() -> tuple[Document, ...]:
    """The distinct papers of all pages; a later page adds what an earlier one did not say."""
    papers: dict[str, Document] = {}
    for path in sorted(SHARED.glob("page-*.txt")):
        for paper in load_page(path.read_text(encoding="utf-8")).papers:
            key = title_key(paper.title)
            names = (paper.organization_handle, paper.organization)
            before = papers.get(key)
            papers[key] = Document(
                id=before.id if before else len(papers) + 1,
                title=paper.title,
                abstract=paper.abstract,
                organizations=tuple(filter(None, names))
                or (before.organizations if before else ()),
            )
    return tuple(papers.values())
