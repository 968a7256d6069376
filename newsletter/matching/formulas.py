"""Where formulas stand in a raw text: by the lexer's own rule of what is money."""

from __future__ import annotations

from newsletter.matching.lexer import _DOLLAR, _REACH, _closing_dollar


def find_formula(raw: str, at: int) -> tuple[int, int, int, int] | None:
    """The next formula between dollars from `at`: its start, its content's bounds, its end.

    What `lex` reads as money is none.
    """
    while (found := _DOLLAR.search(raw, at)) is not None:
        start = found.start()
        inner = start + 2 if raw.startswith("$$", start) else start + 1
        close = _closing_dollar(raw, inner, min(len(raw), inner + _REACH))
        if close is not None:
            return start, inner, close, close + 1 + raw.startswith("$$", close)
        at = inner
    return None
