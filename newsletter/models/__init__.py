"""The tables: papers and listings, editions and matches, the ledger of deliveries, synonyms."""

from newsletter.models.delivery import Delivery
from newsletter.models.edition import Edition, QueryMatches
from newsletter.models.flow import Bucket, Circuit, DomainReply, Switch, Tally, Tick
from newsletter.models.paper import Listing, Paper
from newsletter.models.saved import SavedPaper
from newsletter.models.synonym import Definition, Synonym
from newsletter.models.words import PackedWords

__all__ = [
    "Bucket",
    "Circuit",
    "Definition",
    "Delivery",
    "DomainReply",
    "Edition",
    "Listing",
    "PackedWords",
    "Paper",
    "QueryMatches",
    "SavedPaper",
    "Switch",
    "Synonym",
    "Tally",
    "Tick",
]
