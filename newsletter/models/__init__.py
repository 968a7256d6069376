"""The tables: sources, papers, listings, editions, matches, the ledger of deliveries, synonyms."""

from newsletter.models.delivery import Delivery
from newsletter.models.edition import Edition, QueryMatches
from newsletter.models.paper import Listing, Paper, PaperIdentifier
from newsletter.models.saved import SavedPaper
from newsletter.models.source import (
    FetchedPage,
    FetchHost,
    FetchRun,
    Quarantined,
    Source,
    SourceDay,
)
from newsletter.models.synonym import Definition, Synonym
from newsletter.models.words import PackedWords

__all__ = [
    "Definition",
    "Delivery",
    "Edition",
    "FetchHost",
    "FetchRun",
    "FetchedPage",
    "Listing",
    "PackedWords",
    "Paper",
    "PaperIdentifier",
    "Quarantined",
    "QueryMatches",
    "SavedPaper",
    "Source",
    "SourceDay",
    "Synonym",
]
