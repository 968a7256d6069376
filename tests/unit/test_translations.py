"""Every text readers see is marked, and every catalogue has all of them, with the same holes."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages import Message
from django.core.management import CommandError, call_command
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from newsletter import translations
from newsletter.paths import ROOT
from newsletter.translations import SOURCE, catalogue_path, list_languages
from tests.factories import DAY

CODES = [code for code, _ in list_languages() if code != SOURCE]
HOLE = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+[^>]*>")
# The inbox is the demo's; the bare page is shown where nothing else works; styles have no words.
UNMARKED = ("web/inbox/", "web/500_bare.html", "email/style.css")
PAGES = [
    path
    for path in (
        *sorted((ROOT / "templates/web").rglob("*.html")),
        *sorted((ROOT / "templates/email").rglob("*.*")),
    )
    if not path.relative_to(ROOT / "templates").as_posix().startswith(UNMARKED)
]
MARKED = re.compile(
    r"\{% (blocktrans\w*|comment).*?%\}.*?\{% end\1 %\}|\{% block width %\}\w*"
    r"|<(code|kbd|samp)\b.*?</\2>|\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}"
    r"|<!--.*?-->|&\w+;",
    re.DOTALL,
)
SPOKEN = re.compile(r'\b(?:aria-label|placeholder|title|alt|content)="([^"]*)"')
WORD = re.compile(r"[^\W\d_]{2,}")
NAMES = {"Website", "Admin", "Demo", "arXiv", "BibTeX", "RIS", "Atom", "DOI"}


@pytest.mark.parametrize("code", CODES)
def test_it_has_every_text_translated(code: str) -> None:
    wanted = {(m.id, m.context): m for m in translations.gather_texts() if m.id}
    found = {(m.id, m.context): m for m in translations.load_catalogue(catalogue_path(code))}
    assert len(wanted) > 100
    missing = [text for text in wanted if text not in found]
    assert missing == [], f"run manage.py translate {code}, then translate what is new"
    untranslated = [
        text
        for text in wanted
        if found[text].fuzzy or not translations.is_translated(found[text].string)
    ]
    assert untranslated == []
    assert [text for text in found if text[0] and text not in wanted] == [], "manage.py translate"


@pytest.mark.parametrize("code", CODES)
def test_its_translations_have_the_same_holes(code: str) -> None:
    catalogue = translations.load_catalogue(catalogue_path(code))
    assert [(m.id, m.string) for m in catalogue if m.id and not has_same_holes(m)] == []
    assert [(m.id, list(m.check(catalogue))) for m in catalogue if list(m.check(catalogue))] == []


def has_same_holes(message: Message) -> bool:
    """Each form holds what its source does; the one for one may say "one" instead."""
    sources = [message.id] if isinstance(message.id, str) else list(message.id)
    strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
    holes = [Counter(HOLE.findall(text)) for text in sources]
    for number, text in enumerate(strings):
        if Counter(HOLE.findall(text)) not in (holes[min(number, len(holes) - 1)], holes[-1]):
            return False
    return True


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_it_marks_every_text_of_a_template(path: Path) -> None:
    source = MARKED.sub(" ", path.read_text(encoding="utf-8"))
    spoken = [
        text
        for tag in re.findall(r"<[^>]*>", source, re.DOTALL)
        if not tag.startswith("<meta")
        for text in SPOKEN.findall(tag)
    ]
    source = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", source, flags=re.DOTALL)
    said = " ".join([source, *spoken]).replace("name@example.org", "")
    words = set(WORD.findall(said)) - NAMES
    assert words == set(), "mark with {% translate %}"


def test_it_translates_from_the_catalogue_as_it_is() -> None:
    with translation.override("de"):
        assert gettext("Today") == "Heute"
        assert gettext("no such text") == "no such text"
        assert ngettext("%d author", "%d authors", 1) % 1 == "1 Autor"
    with translation.override("en"):
        assert gettext("Today") == "Today"


@pytest.mark.parametrize(
    ("code", "long", "day", "short"),
    [
        ("en", "Friday 20 November 2026", "Friday 20 November", "Fri 20 Nov"),
        ("de", "Freitag, 20. November 2026", "Freitag, 20. November", "Fr, 20. Nov"),
    ],
)
def test_it_writes_days_as_the_language_does(code: str, long: str, day: str, short: str) -> None:
    with translation.override(code):
        assert date_format(DAY, "LONG_DAY") == long
        assert date_format(DAY, "DAY") == day
        assert date_format(DAY, "SHORT_DAY") == short


@pytest.mark.parametrize("code", CODES)
def test_it_has_every_format_of_ours(code: str) -> None:
    ours = [name for name in dir(translations_formats("en")) if name.isupper()]
    assert [name for name in ours if not hasattr(translations_formats(code), name)] == []


def translations_formats(code: str) -> object:
    from importlib import import_module

    return import_module(f"newsletter.formats.{code.replace('-', '_')}.formats")


def test_it_begins_a_catalogue_and_keeps_what_was_translated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translations, "FOLDER", tmp_path)
    begun = translations.update_catalogue("pt-br")
    path = tmp_path / "pt_BR/LC_MESSAGES/django.po"
    assert begun.missing == begun.texts > 100
    assert translations.list_languages() == [("en", "English"), ("pt-br", "Português Brasileiro")]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('msgid "Today"\nmsgstr ""', 'msgid "Today"\nmsgstr "Hoje"'))
    assert translations.update_catalogue("pt-br").missing == begun.missing - 1
    assert translations.read_catalogue(path).gettext("Today") == "Hoje"


@pytest.mark.parametrize("code", ["en", "../x", "french", "PT"])
def test_its_command_refuses_what_is_no_other_language(code: str) -> None:
    with pytest.raises(CommandError, match="is no code of another language: write fr or pt-br"):
        call_command("translate", code)


def test_it_says_the_language_in_every_frame() -> None:
    for code in (SOURCE, *CODES):
        with translation.override(code):
            assert f'<html lang="{code}" dir="ltr">' in render_to_string("email/base.html")
