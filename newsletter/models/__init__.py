"""The tables: papers and their listings, editions and their matches, the ledger of deliveries."""

from newsletter.models.delivery import Delivery
from newsletter.models.edition import Edition, QueryMatches
from newsletter.models.paper import Listing, Paper

__all__ = ["Delivery", "Edition", "Listing", "Paper", "QueryMatches"]
