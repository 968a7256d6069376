"""XML and HTML from outside, parsed without harm: no entity, no file, no network, bounded size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import name2codepoint
from typing import Any, Protocol, cast

from lxml import etree

from newsletter.sources.base import SourceError
from newsletter.sources.fields import clean_text

MAX_XML = 24 * 1024 * 1024  # bytes; 2,000 items of arXiv's feed are about 6 MiB
MAX_MARKUP = 200_000  # characters of one field that holds HTML


class Element(Protocol):
    """What we use of lxml's elements, which bring no types."""

    tag: Any
    text: str | None
    tail: str | None

    def __iter__(self) -> Iterator[Element]: ...
    def __len__(self) -> int: ...
    def get(self, name: str) -> str | None: ...
    def find(self, path: str) -> Element | None: ...
    def iter(self, tag: object = None) -> Iterator[Element]: ...
    def iterdescendants(self) -> Iterator[Element]: ...
    def itertext(self) -> Iterator[str]: ...
    def getroottree(self) -> Any: ...


# Elements after which a word ends. Everything else (i, sub, sup, span, a) stands inside words.
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption"}
    | {"figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "label", "li"}
    | {"list", "main", "nav", "ol", "p", "pre", "sec", "section", "table", "td", "th", "title"}
    | {"tr", "ul"}
)
# What is taken for a tag at all: in “n<k and p>0.5” nothing is.
_TAG_NAMES = (
    r"(?:jats:|mml:|m:)?(?:[aibpqsu]|[bhd]r|d[dlt]|[uo]l|li|h[1-6]|t[dhrt]|div|em|strong|su[bp]|span|"
    r"small|big|code|pre|font|center|img|table|tbody|thead|caption|cite|abbr|mark|title|section|sec|"
    r"article|header|footer|main|nav|aside|figure|figcaption|blockquote|address|label|list|"
    r"list-item|bold|italic|sc|monospace|inline-formula|disp-formula|alternatives|tex-math|"
    r"ext-link|xref|named-content|math|m[a-z]{1,12}|semantics|annotation|script|style|svg|iframe|"
    r"object|embed|form|input|button|link|meta|base|template|noscript|video|audio|source)"
)
_LESS_THAN = re.compile(rf"<(?!/?{_TAG_NAMES}[\s/>]|!--)", re.IGNORECASE)
_SILENT = frozenset({"script", "style", "template", "noscript", "svg", "annotation", "head"})
_NAMED = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
_PREDEFINED = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_LONE_AMPERSAND = re.compile(rb"&(?![A-Za-z#][A-Za-z0-9]{0,31};)")
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:[0-8]|1[124-9]|2[0-9]|3[01]);")
_POSITION = re.compile(r",? line \d+, column \d+$")
_TEX_BODY = re.compile(r"\\begin\{document\}(.*)\\end\{document\}", re.DOTALL)


def parse_xml(data: bytes, what: str) -> Element:
    """The root of an XML document of at most 24 MiB.

    A document that declares entities is refused (billion laughs, XXE), and nothing outside it is
    ever read. Named HTML entities, lone ampersands and control characters, which feeds are full of,
    are mended. Raises SourceError of one line with the place where it breaks.
    """
    if len(data) > MAX_XML:
        raise SourceError(f"{what}: {len(data)} bytes are more than {MAX_XML // 1024**2} MiB")
    stripped = data.lstrip()
    if not stripped:
        raise SourceError(f"{what}: expected XML, found nothing")
    try:
        root = _parse_strictly(stripped)
        if _refers(root) and not _declares(root):
            root = _parse_strictly(_mend(stripped))
    except etree.XMLSyntaxError as error:
        try:
            root = _parse_strictly(_mend(stripped))
        except (etree.XMLSyntaxError, ValueError):
            raise SourceError(_describe(error, what)) from None
    except (ValueError, LookupError) as error:
        raise SourceError(f"{what}: this is no XML ({clean_text(str(error))[:200]})") from None
    _refuse_entities(root, what)
    return root


def _parse_strictly(data: bytes) -> Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )
    return cast(Element, etree.fromstring(data, parser))


def _mend(data: bytes) -> bytes:
    if b"<!ENTITY" in data:  # never touched, so that it is refused for what it is
        return data
    data = _FORBIDDEN.sub(b"", data)
    data = _LONE_AMPERSAND.sub(b"&amp;", data)
    return _NAMED.sub(_number_entity, data)


def _number_entity(match: re.Match[bytes]) -> bytes:
    if match[1] in _PREDEFINED:
        return match[0]
    code = name2codepoint.get(match[1].decode())
    return b"&#%d;" % code if code else b"&amp;" + match[1] + b";"


def _declares(root: Element) -> bool:
    dtd = root.getroottree().docinfo.internalDTD
    return dtd is not None and next(iter(dtd.iterentities()), None) is not None


def _refers(root: Element) -> bool:
    return next(iter(root.iter(etree.Entity)), None) is not None


def _refuse_entities(root: Element, what: str) -> None:
    if _declares(root):
        raise SourceError(f"{what}: refused, because the XML declares entities")
    if _refers(root):
        raise SourceError(f"{what}: refused, because the XML refers to an entity it cannot have")


def _describe(error: etree.XMLSyntaxError, what: str) -> str:
    line, column = error.position
    said = _POSITION.sub("", clean_text(str(error.msg or "not well-formed")))[:200]
    return f"{what}: line {line}, column {column}: this XML is cut or malformed ({said})"


def local_name(element: Element) -> str:
    """The tag without namespace, in lower case; "" for what is no element."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def children(element: Element, name: str, space: str | None = None) -> Iterator[Element]:
    """The children of that local name, in any namespace or in `space` alone."""
    for child in element:
        if local_name(child) == name and (space is None or namespace(child) == space):
            yield child


def namespace(element: Element) -> str:
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def first(element: Element, name: str, space: str | None = None) -> Element | None:
    return next(children(element, name, space), None)


def text_of(element: Element | None) -> str:
    """All text inside, on one line; "" for None."""
    if element is None:
        return ""
    return clean_text("".join(element.itertext()))


def child_text(element: Element, name: str, space: str | None = None) -> str:
    return text_of(first(element, name, space))


def plain_html(markup: str) -> str:
    """The text of a field that holds HTML or JATS, on one line: no tags, entities decoded.

    Text without any markup comes back as it is. At most 200,000 characters are read.
    """
    cut = markup[:MAX_MARKUP]
    if "<" not in cut and "&" not in cut:
        return clean_text(cut)
    root = parse_html(f"<div>{_LESS_THAN.sub('&lt;', clean_text(cut))}</div>".encode())
    return clean_text("".join(flow(root)))


def parse_html(data: bytes) -> Element:
    """The root of an HTML page, read as browsers do; never raises ValueError for bad markup."""
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        root = None
    return cast(Element, root if root is not None else etree.Element("html"))


def flow(element: Element) -> Iterator[str]:
    """The text as it is read, a space wherever a block begins or ends."""
    name = local_name(element).rpartition(":")[2]
    if name in _SILENT:
        return
    if name == "tex-math":
        yield _read_tex(element)
        return
    block = name in _BLOCKS
    if block:
        yield " "
    yield element.text or ""
    skip_tex = name == "alternatives" and any(
        local_name(child).endswith("math") and "tex" not in local_name(child) for child in element
    )
    for child in element:
        if not (skip_tex and local_name(child).endswith("tex-math")):
            yield from flow(child)
        yield child.tail or ""
    if block:
        yield " "


def _read_tex(element: Element) -> str:
    text = "".join(element.itertext())
    match = _TEX_BODY.search(text)
    return match[1] if match else text
