"""XML of strangers for RSL 1.0 (2025-12-10, errata to 2026-08-07), and what is wrong with it, place by place.

No DTD, no entities, no network; bounded in octets and depth. Pure; raises
nothing on any input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lxml import etree

NAMESPACE: Final = "https://rslstandard.org/rsl"
#: Elements of ours, to be ignored by everybody else.
OUR_NAMESPACE: Final = "urn:licet:rsl:1"
#: Elements may be nested this deep.
DEEPEST: Final = 32
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QNAME: Final = re.compile(r"([A-Za-z_][\w.-]*):[A-Za-z_][\w.-]*", re.ASCII)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"]+", re.ASCII)
tag = "{{{}}}{}".format


@dataclass(frozen=True, slots=True)
class RslError:
    """Why a document says nothing: *why* is a clause for people. What it governs is unlicensed."""

    why: str


class Severity(StrEnum):
    """How bad a breach is.

    ERROR: the specification forbids it. WARNING: it is allowed, and careful
    readers disagree on what it means.
    """

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Breach:
    """One place where a document is not what the specification asks for.

    *section* is that of RSL 1.0 (``3.10``, ``App. A``), *line* the place in the
    document (0: all of it), *what* a clause for people.
    """

    line: int
    section: str
    severity: Severity
    what: str


class Notes:
    """Breaches, as they are found; each is kept once."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        """Start with none."""
        self._kept: dict[Breach, None] = {}

    def error(self, element: etree._Element | None, section: str, what: str) -> None:
        """Keep what the specification forbids at *element*."""
        self._keep(element, section, Severity.ERROR, what)

    def warn(self, element: etree._Element | None, section: str, what: str) -> None:
        """Keep what readers take in different ways."""
        self._keep(element, section, Severity.WARNING, what)

    def _keep(self, element: etree._Element | None, section: str, severity: Severity, what: str) -> None:
        line = getattr(element, "sourceline", None) or 0
        self._kept.setdefault(Breach(line, section, severity, what))

    def breaches(self) -> tuple[Breach, ...]:
        """All of them, by line."""
        return tuple(sorted(self._kept))


def parse_xml(octets: bytes, most: int) -> etree._Element | RslError:
    """Read XML of at most *most* octets from a stranger, without DTD, entities or network."""
    if len(octets) > most:
        return RslError(f"it is larger than {most} octets")
    coding = "utf-16" if octets[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = octets.decode(coding)
    except UnicodeDecodeError:
        return RslError("it is neither UTF-8 nor UTF-16")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return RslError("it declares a document type or entities")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True, recover=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(_DECLARATION.sub("", text, count=1).encode(), parser)
    except (etree.LxmlError, ValueError):
        return RslError("it is not well-formed XML")
    if root is None or any(True for _ in _below(root, DEEPEST)):
        return RslError(f"it is nested deeper than {DEEPEST} elements")
    return root


def without_declaration(text: str) -> str:
    """*text* without a byte order mark and an XML declaration."""
    return _DECLARATION.sub("", text.removeprefix("\ufeff"), count=1)


def _below(root: etree._Element, depth: int) -> Iterator[etree._Element]:
    """The elements deeper than *depth*."""
    level: list[etree._Element] = [root]
    for _ in range(depth):
        level = [child for element in level for child in element]
        if not level:
            return
    yield from level


def name_of(element: etree._Element) -> str:
    """The local name of an RSL element, or of one without a namespace; "" for those of others."""
    name = etree.QName(element)
    return name.localname if name.namespace in {None, NAMESPACE} else ""


def is_rsl(element: etree._Element) -> bool:
    """Whether *element* is in the namespace of RSL."""
    return etree.QName(element).namespace == NAMESPACE


def is_uri(text: str) -> bool:
    """Whether *text* has the form of an absolute URI."""
    return _URI.fullmatch(text) is not None


def children(element: etree._Element, name: str) -> list[etree._Element]:
    """The RSL children *name*."""
    return element.findall(tag(NAMESPACE, name))


def is_extension(word: str, element: etree._Element) -> bool:
    """Whether *word* is an extension (section 3.4.1): a name of another namespace that is declared here."""
    found = _QNAME.fullmatch(word)
    return found is not None and element.nsmap.get(found[1], NAMESPACE) != NAMESPACE


def text_of(element: etree._Element, name: str) -> str:
    """The text of the RSL child *name*, or ""."""
    return (element.findtext(tag(NAMESPACE, name)) or "").strip()


def add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    """Append an RSL element; whatever XML cannot hold is left out of its text and attributes."""
    element = etree.SubElement(parent, tag(NAMESPACE, name))
    for key, value in attributes.items():
        element.set(key, clean(value))
    if text:
        element.text = clean(text)
    return element


def clean(text: str) -> str:
    """*text* without what XML cannot hold."""
    return _NOT_XML.sub("", text)
