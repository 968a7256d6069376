"""No text of a paper, a reader or an operator becomes markup."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from lxml import html as lxml_html

from newsletter.mail.letter import Digest, Section
from newsletter.mail.render import render_digest
from newsletter.matching.display import Segment
from tests.unit.mail.samples import make_card, make_digest, make_section, segments

PAYLOADS = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<ScRiPt src=//evil.example>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://evil.example/pixel'>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src=https://evil.example></iframe>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=//evil.example>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{display:none}</style>",
    "</style><script>alert(1)</script>",
    "<body onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='https://evil.example'>Unsubscribe</a>",
    "<form action=//evil.example><button>x</form>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<math><mi/></math>",
    "<object data=//evil.example>",
    "<embed src=//evil.example>",
    "<video><source onerror=alert(1)>",
    "<table background=//evil.example>",
    "<div style='background:url(//evil.example)'>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "--><script>alert(1)</script><!--",
    "<!--",
    "<![CDATA[x]]>",
    "]]><script>alert(1)</script>",
    "<!--[if mso]><script>x</script><![endif]-->",
    "</title><script>",
    "</td></tr></table><script>",
    "</html>",
    "{{ digest.unsubscribe_url }}",
    "{% include 'x' %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "<\x00script>",
    "<scr\x0bipt>",
    "<plaintext>",
    "<xmp><script>alert(1)</script>",
    "<noscript><p title='</noscript><img src=x>'>",
    "\u202ecod.exe",
    "＜script＞",
    "\\x3cscript\\x3e",
    "<a\x0chref=//evil.example>",
    "<?php x ?>",
]


def plant(text: str) -> Digest:
    """A digest with `text` wherever text comes from elsewhere."""
    card = make_card(
        title=f"{text} ^{text}^",
        byline=(text, text),
        snippet=segments(f"{text} ^{text}^"),
        why=(Segment("Here because of ", marked=False), Segment(text, marked=True)),
        note=text,
    )
    digest = make_digest(Section(text, "i1", (card,)), make_section("RL"), note=text, schedule=text)
    site = replace(digest.site, name=text, tagline=text, postal_address=text)
    return replace(digest, site=site)


def skeleton(html: str) -> tuple[Counter[tuple[str, tuple[str, ...]]], set[str]]:
    """The elements with the names of their attributes, and every address."""
    tree = lxml_html.document_fromstring(html)
    elements = Counter((str(e.tag), tuple(sorted(e.attrib))) for e in tree.iter())
    return elements, {href for _, _, href, _ in tree.iterlinks()}


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_it_shows_markup_as_text(payload: str) -> None:
    assert skeleton(render_digest(plant(payload)).html) == skeleton(render_digest(plant("x")).html)


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_it_loses_nothing_of_it_but_controls(payload: str) -> None:
    tree = lxml_html.document_fromstring(render_digest(plant(payload)).html)
    (heading,) = tree.xpath("//h3[1]")[:1]
    shown = "".join(c for c in payload if c.isprintable())
    assert "".join(heading.text_content().split()).startswith("".join(shown.split()))
