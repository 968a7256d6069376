"""The operator's pages, one module per noun; importing them registers them."""

from newsletter.admin import (
    deliveries,
    editions,
    notices,
    papers,
    readers,
    sources,
    synonyms,
    thumbnails,
    users,
)

__all__ = [
    "deliveries",
    "editions",
    "notices",
    "papers",
    "readers",
    "sources",
    "synonyms",
    "thumbnails",
    "users",
]
