from __future__ import annotations

import socket

import pytest

from newsletter.mail.inline import inline_css

PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>x</title>
<link rel="stylesheet" href="http://127.0.0.1:9/x.css">
<style>.a { color: #9A3412; background-color: #FFFFFF; width: 10px }
@media (prefers-color-scheme: dark) { .a { color: #FFB088 !important } }</style>
</head><body><p class="a">1 &lt; é</p>
</body></html>"""

GOLDEN = """<!DOCTYPE html>
<html lang="en"><head><title>x</title>
<link rel="stylesheet" href="http://127.0.0.1:9/x.css">
<style>@media (prefers-color-scheme: dark) {
    .a {
        color: #FFB088 !important
        }
    }</style>
</head><body><p class="a" style="color:#9A3412;background-color:#FFF;width:10px">1 &lt; é</p>
</body></html>"""


def test_it_inlines_and_keeps_the_media_rules_important(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError(f"inlining reached for the network: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert inline_css(PAGE) == GOLDEN


@pytest.mark.parametrize("page", [PAGE, PAGE.removeprefix("<!DOCTYPE html>\n"), f"\n {PAGE}"])
def test_it_always_begins_with_one_doctype(page: str) -> None:
    html = inline_css(page)
    assert html.startswith("<!DOCTYPE html>\n<html")
    assert html.upper().count("<!DOCTYPE") == 1


def test_it_tightens_styles_and_no_text_that_looks_like_one() -> None:
    page = """<!DOCTYPE html>
<html><head><style>p { color: red; margin: 0 }</style></head>
<body><p>a style="b; c" or style='d; e; f' &lt;p style="g; h"&gt;</p></body></html>"""
    inlined = inline_css(page)
    assert '<p style="color:red;margin:0">' in inlined
    assert """a style="b; c" or style='d; e; f' &lt;p style="g; h"&gt;</p>""" in inlined
