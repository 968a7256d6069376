"""Templates that are changed: letters are joined as they say, or given up and composed whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.test import override_settings

from newsletter.mail.compose import compose_message
from newsletter.mail.inliner import Unprovable
from newsletter.mail.joining import Joiner
from newsletter.mail.render import render_digest
from newsletter.paths import ROOT
from tests.unit.mail.random_letters import check_equal
from tests.unit.mail.samples import make_digest, make_envelope, make_hard_digest


@pytest.mark.parametrize("file", ["html", "txt"])
@pytest.mark.parametrize(
    "new", ["{% if digest.left_out > 5 %}", "{{ digest.left_out|add:1 }}{% if digest.left_out %}"]
)
def test_it_follows_templates_that_look_at_how_many_were_left_out(file: str, new: str) -> None:
    with changed_template(f"email/digest/body.{file}", "{% if digest.left_out %}", new):
        joiner = Joiner()
        for left_out in (3, 14, 4, 2001, 0):
            digest = make_digest(left_out=left_out)
            joined = joiner.join(digest, make_envelope())
            check_equal(joined, compose_message(render_digest(digest), make_envelope()))


@pytest.mark.parametrize(
    "new",
    ["{{ best|truncatechars:20 }}", "{{ digest.best }} {{ best|upper }}", "{{ best }} {{ best }}"],
)
def test_it_follows_subjects_that_change_the_best_title(new: str) -> None:
    with changed_template(
        "email/digest/subject.txt", "{{ day }}: {{ best }}{% elif", new + "{% elif"
    ):
        joiner = Joiner()
        for best in ("Steering a Reward Model without Labels", "Löschen, was man weiß", ""):
            digest = make_digest(best=best)
            joined = joiner.join(digest, make_envelope())
            check_equal(joined, compose_message(render_digest(digest), make_envelope()))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("body.html", "{{ digest.schedule }}", "{{ digest.schedule|truncatechars:20 }}"),
        ("body.html", '<h2 class="section"', '<h2 class="section {{ forloop.counter }}"'),
        ("body.html", '{% include "email/digest/card.html" with card=card only %}', "x"),
        ("body.txt", '{% include "email/digest/card.txt" with card=card only %}', "x"),
        ("card.html", "<h3", "<div><h3"),
        ("style.css", ".desk {", ".desk:first-child {"),
        ("style.css", ".title b {", ".title b + b {"),
    ],
)
def test_it_gives_up_on_templates_that_cannot_be_cut(name: str, old: str, new: str) -> None:
    folder = "email/" if name == "style.css" else "email/digest/"
    with changed_template(f"{folder}{name}", old, new), pytest.raises(Unprovable):
        Joiner().join(make_hard_digest(), make_envelope())


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("body.html", "{{ digest.schedule }}", "<b>{{ digest.schedule }}</b> {{ digest.best }}"),
        ("body.html", '<h1 class="count">', "<p>{{ preheader }} &copy; {{ room }}</p><h1>"),
        ("body.txt", "{{ digest.schedule }}", "  - {{ digest.schedule }} ({{ title }})"),
        ("card.html", "<h3", "<hr><h3"),
        ("style.css", ".desk {", "h1, .words > h2 { color: red }\n.desk {"),
    ],
)
def test_it_follows_templates_that_are_changed(name: str, old: str, new: str) -> None:
    folder = "email/" if name == "style.css" else "email/digest/"
    with changed_template(f"{folder}{name}", old, new):
        joined = Joiner().join(make_hard_digest(), make_envelope())
        whole = compose_message(render_digest(make_hard_digest()), make_envelope())
        check_equal(joined, whole)


@contextmanager
def changed_template(name: str, old: str, new: str) -> Iterator[None]:
    """Let the site's templates be read with one of them changed."""
    source = (ROOT / "templates" / name).read_text(encoding="utf-8")
    assert old in source
    changed = {name: source.replace(old, new, 1)}
    (configured,) = settings.TEMPLATES
    loaders = [
        ("django.template.loaders.locmem.Loader", changed),
        "django.template.loaders.filesystem.Loader",
        "django.template.loaders.app_directories.Loader",
    ]
    options = {**configured["OPTIONS"], "loaders": loaders}
    templates = [{**configured, "APP_DIRS": False, "OPTIONS": options}]
    with override_settings(TEMPLATES=templates):
        yield
