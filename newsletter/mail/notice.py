"""A service mail as subject, text and HTML: a folder of three under templates/email/."""

from __future__ import annotations

from collections.abc import Mapping

from django.template.loader import render_to_string
from django.utils import translation

from newsletter.mail.headers import clean_body, clean_header
from newsletter.mail.inline import inline_css
from newsletter.mail.letter import Rendered
from newsletter.mail.plain import fill
from newsletter.mail.render import tighten


def render_notice(kind: str, context: Mapping[str, object], language: str) -> Rendered:
    """Return the mail of the folder `kind` in `language`; its HTML is inlined as a letter's is.

    Every value is escaped in the HTML. `{{ title }}` is the subject.
    """
    with translation.override(language):
        subject = clean_header(render_to_string(f"email/{kind}/subject.txt", dict(context)))
        words = {"preheader": "", **context, "title": subject}
        text = fill(clean_body(render_to_string(f"email/{kind}/body.txt", words)))
        html = clean_body(render_to_string(f"email/{kind}/body.html", words))
    return Rendered(subject, text, inline_css(tighten(html)))
