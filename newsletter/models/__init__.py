"""The tables: sources, papers, editions, matches, the ledger, service mail, synonyms."""

from newsletter.models.delivery import Delivery
from newsletter.models.edition import Edition, QueryMatches
from newsletter.models.flow import Bucket, Circuit, DomainReply, Switch, Tally, Tick
from newsletter.models.notice import Notice
from newsletter.models.paper import Listing, Paper, PaperIdentifier
from newsletter.models.saved import SavedFeed, SavedPaper
from newsletter.models.source import (
    FetchedPage,
    FetchHost,
    FetchRun,
    Quarantined,
    Source,
    SourceDay,
)
from newsletter.models.synonym import Definition, Synonym
from newsletter.models.tally import Chore, EditionTally
from newsletter.models.thumbnail import PictureFetch, Thumbnail
from newsletter.models.words import PackedWords, PaperChange

__all__ = [
    "Bucket",
    "Chore",
    "Circuit",
    "Definition",
    "Delivery",
    "DomainReply",
    "Edition",
    "EditionTally",
    "FetchHost",
    "FetchRun",
    "FetchedPage",
    "Listing",
    "Notice",
    "PackedWords",
    "Paper",
    "PaperChange",
    "PaperIdentifier",
    "PictureFetch",
    "Quarantined",
    "QueryMatches",
    "SavedFeed",
    "SavedPaper",
    "Source",
    "SourceDay",
    "Switch",
    "Synonym",
    "Tally",
    "Thumbnail",
    "Tick",
]
