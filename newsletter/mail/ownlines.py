"""The lines around the papers with a reader's own in them: links, the sentence that counts."""

from __future__ import annotations

from typing import Any

from newsletter.mail.cutting import Body
from newsletter.mail.framing import Family
from newsletter.mail.inliner import Unprovable
from newsletter.mail.layout import COUNT
from newsletter.mail.letter import Digest
from newsletter.mail.lru import Recent
from newsletter.mail.parts import (
    Address,
    Chunk,
    Item,
    OwnLine,
    OwnPieces,
    write_address,
    write_count,
    write_own_html,
    write_own_text,
    write_plain_address,
    write_text,
)
from newsletter.mail.wording import count_in_html, count_in_text, count_parts


class OwnLines:
    """Writes them; keeps those that many readers share."""

    def __init__(self) -> None:
        self._lines: Recent[Any, bytes] = Recent(4_000)
        self._counts: Recent[Any, bytes] = Recent(20_000)

    def add_html(
        self,
        body: Body,
        items: tuple[Item, ...],
        known: dict[str, str],
        digest: Digest,
        family: Family,
    ) -> None:
        """Add items to the body, with what is `known` in place of their marks."""
        out = body.html
        for item in items:
            if isinstance(item, bytes):
                out.append(item)
            elif isinstance(item, Address):
                out.append(write_address(known[item.mark]))
            else:
                whole = item.whole if isinstance(item, OwnPieces) else item
                if not whole.is_shared:
                    out.append(self._write_html(item, known, digest, family))
                    continue
                key = (id(family), whole.number, *[known[mark] for mark in whole.marks])
                out.append(self._lines.get(key, self._write_html, item, known, digest, family))

    def _write_html(
        self, item: OwnLine | OwnPieces, known: dict[str, str], digest: Digest, family: Family
    ) -> bytes:
        inliner = family.inliner
        if isinstance(item, OwnPieces):
            out = [item.pieces[0]]
            for mark, piece in zip(item.marks, item.pieces[1:], strict=True):
                if mark == COUNT:
                    get, stack = self._counts.get, item.stack
                    out += [
                        get((id(inliner), id(stack), part), write_count, part, stack, inliner)
                        for part in count_parts(digest)
                    ]
                elif mark.startswith("https:"):
                    out.append(write_address(known[mark]))
                elif (text := write_text(known[mark])) is not None:
                    out.append(text)
                else:
                    break
                out.append(piece)
            else:
                return b"".join(out)
            item = item.whole
        if COUNT in item.marks:
            known = {**known, COUNT: count_in_html(digest)}
        return write_own_html(item, known, inliner)

    def add_text(self, body: Body, chunk: Chunk, known: dict[str, str], digest: Digest) -> None:
        out: list[bytes] = []
        for item in chunk.items:
            if isinstance(item, bytes):
                out.append(item)
            elif isinstance(item, Address):
                out.append(write_plain_address(known[item.mark]))
            elif not isinstance(item, OwnLine):
                raise Unprovable("a line of HTML in the text")
            elif item.is_shared:
                key = (item.number, *[known[mark] for mark in item.marks])
                out.append(self._lines.get(key, write_own_text, item, known))
            else:
                if COUNT in item.marks:
                    known = {**known, COUNT: count_in_text(digest)}
                out.append(write_own_text(item, known))
        body.add_text(chunk.lead, out, chunk.trail)
