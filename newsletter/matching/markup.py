"""What is not text in a title or an abstract: tags, entities, invisible characters. Tables only."""

from __future__ import annotations

import re

# Controls but whitespace, bidi controls, zero-width and other invisible characters, language tags,
# noncharacters: dropped. For a character class.
INVISIBLE = (
    r"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"
)
SURROGATES = r"\ud800-\udfff"  # broken halves: shown as U+FFFD

# Only with its semicolon: `R&D`, `a &copy b` are text.
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_INLINE = "a|abbr|b|bdi|big|cite|code|em|font|i|ins|del|kbd|mark|small|span|strong|sub|sup|tt|u"
_BLOCK = (
    "article|blockquote|body|br|center|dd|div|dl|dt|figure|h[1-6]|head|hr|html|iframe|img|input|li|"
    "link|math|meta|mi|mn|mo|mrow|msub|msup|msubsup|mfrac|mtext|mstyle|object|ol|p|pre|script|"
    "section|style|svg|table|tbody|td|th|thead|title|tr|ul|wbr|abstract|italic|bold|sec|"
    "(?:jats|mml|xhtml|html):[a-z-]+"
)
# A tag is one of HTML's, JATS's or MathML's, with proper attributes, and closed:
# `a < b`, `x<y`, `<b and c>`, `<think>` are text.
_TAG = re.compile(
    rf"(?:<|&lt;)/?(?:({_INLINE})|{_BLOCK})"
    r"(?:\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>&]+))*"
    r"\s*/?(?:>|&gt;)",
    re.IGNORECASE,
)


def tag_at(raw: str, start: int, end: int) -> tuple[int, bool] | None:
    """Where the tag at `start` ends and whether it stands within a word, or None: no tag."""
    tag = _TAG.match(raw, start, end)
    return None if tag is None else (tag.end(), tag.group(1) is not None)
