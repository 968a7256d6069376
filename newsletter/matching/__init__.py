"""What an interest means, which papers match it, why, and in which order.

Pure: no Django, no Celery, no clock. Import from the modules: `query` (what was typed), `index`
(what matches), `rank` (what a reader gets), `display` (what a reader sees), `synonyms`, `base`.
"""
