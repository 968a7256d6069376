"""The site's languages: one `locale/<code>/LC_MESSAGES/django.po` each, read as it is.

Django reads compiled catalogues, which a fresh clone does not have and msgfmt would have to make.
They are compiled in memory when Django starts instead: nothing to build, to commit or to go stale.
Texts are gathered without xgettext for the same reason (`manage.py translate`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import GNUTranslations
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf.locale import LANG_INFO

from newsletter.paths import ROOT

if TYPE_CHECKING:
    from babel.messages import Catalog

FOLDER = Path(__file__).parent / "locale"
SOURCE = "en"  # the language the texts are written in

# Where readers' texts are: the admin and the commands speak to operators, in English.
CODE = ("newsletter", "subscribers")
TEMPLATES = ("templates/web", "templates/email")
WITHOUT = (
    "newsletter/admin",
    "newsletter/management",
    "newsletter/models",
    "newsletter/sources",
    "subscribers/admin",
    "templates/web/inbox",
)
KEYWORDS = {
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "_": None,
    "mark": None,
}


@dataclass(frozen=True, slots=True)
class Completeness:
    """How far a catalogue has come: texts in all, and those without a translation."""

    texts: int
    missing: int


def list_languages() -> list[tuple[str, str]]:
    """Return (code, its own word for itself) of English and of every catalogue, English first."""
    folders = sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/django.po"))
    codes = [SOURCE, *(name.replace("_", "-").lower() for name in folders)]
    return [(code, name_language(code)) for code in codes]


def name_language(code: str) -> str:
    """Return a language's own word for itself, its code where Django does not know it."""
    info = LANG_INFO.get(code) or LANG_INFO.get(code.split("-")[0]) or {}
    return str(info.get("name_local", code))


def catalogue_path(code: str) -> Path:
    """Return where the texts of language `code` are ("pt-br" is in locale/pt_BR)."""
    language, _, region = code.partition("-")
    name = f"{language}_{region.upper()}" if region else language
    return FOLDER / name / "LC_MESSAGES" / "django.po"


def read_catalogue(path: Path) -> GNUTranslations:
    """Return the translations of a .po file, fuzzy ones left out.

    Raises `babel.messages.pofile.PoFileError` with the line that cannot be read.
    """
    from babel.messages.mofile import write_mo

    compiled = io.BytesIO()
    write_mo(compiled, load_catalogue(path))
    compiled.seek(0)
    return GNUTranslations(compiled)


def load_catalogue(path: Path) -> Catalog:
    """Return a .po file as it is, fuzzy and obsolete texts too; raises as `read_catalogue`."""
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        return read_po(file, abort_invalid=True)


def install_catalogues() -> None:
    """Add every catalogue to Django's translations; once, when all apps are ready."""
    from django.utils.translation import trans_real

    for code, _ in list_languages():
        if code != SOURCE:
            trans_real.translation(code).merge(read_catalogue(catalogue_path(code)))


def gather_texts() -> Catalog:
    """Return every text readers may see, as the code and the templates have it."""
    from babel.messages import Catalog
    from babel.messages.extract import extract

    catalogue = Catalog(charset="utf-8")
    for path in _list_sources():
        name = path.relative_to(ROOT).as_posix()
        source = io.BytesIO(_read_source(path).encode())
        found = extract("python", source, KEYWORDS, comment_tags=["Translators:"])
        for _, text, comments, context in found:
            catalogue.add(text, locations=[(name, 0)], auto_comments=comments, context=context)
    return catalogue


def update_catalogue(code: str) -> Completeness:
    """Write the texts there are now into the catalogue of `code`, keeping its translations.

    A catalogue that is not there is begun. What no page says any more is dropped.
    """
    from babel.core import Locale
    from babel.messages import Catalog
    from babel.messages.pofile import write_po

    path = catalogue_path(code)
    locale = Locale.parse(code, sep="-")
    catalogue = load_catalogue(path) if path.exists() else Catalog(locale=locale, fuzzy=False)
    kept = Catalog(
        locale=locale, header_comment="", fuzzy=False, charset="utf-8", project="Paper Round"
    )
    for message in gather_texts():
        old = catalogue.get(message.id, message.context) if message.id else None
        if message.id:
            message.string = old.string if old else message.string
            message.flags |= {"fuzzy"} & (old.flags if old else set())
            kept[message.id] = message
    written = io.BytesIO()
    write_po(written, kept, width=100, sort_by_file=True, include_lineno=False, omit_header=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_header(kept) + written.getvalue().decode(), encoding="utf-8")
    messages = [message for message in kept if message.id]
    return Completeness(len(messages), sum(not is_translated(m.string) for m in messages))


def is_translated(string: str | tuple[str, ...] | list[str] | None) -> bool:
    """Whether a text has its translation, in every plural form."""
    return bool(string) if isinstance(string, str) else bool(string) and all(string or ())


def _header(catalogue: Catalog) -> str:
    """Return the head of a .po file without dates and names, which change by themselves."""
    return (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {catalogue.locale_identifier}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )


def _list_sources() -> Iterator[Path]:
    found = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
    found += [path for folder in TEMPLATES for path in (ROOT / folder).rglob("*.*")]
    for path in sorted(found):
        if not path.relative_to(ROOT).as_posix().startswith(WITHOUT):
            yield path


def _read_source(path: Path) -> str:
    """Return Python for Python; for a template its texts as calls of gettext, the rest blotted."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    from django.utils.translation.template import templatize

    return re.sub(r"^[ \t]+", "", templatize(text, origin=str(path)), flags=re.MULTILINE)
