"""The operator's pages, one module per noun; importing them registers them."""

from newsletter.admin import deliveries, editions, papers, readers, sources, synonyms, users

__all__ = ["deliveries", "editions", "papers", "readers", "sources", "synonyms", "users"]
