"""One ``<content>`` of RSL 1.0 (2025-12-10, errata to 2026-08-07, sections 3.3 and 3.14 to 3.17), read.

It is made in `terms.rsl`, which says how. What may withhold rights and is not
understood withholds all of them: in a content where it stands in one, everywhere
where it stands outside. Pure; raises nothing on any input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.terms.robots_pattern import surely_inside
from gateway.terms.rsl_license import NOTHING, RslLicense, read_license
from gateway.terms.rsl_xml import NAMESPACE, Notes, children, is_rsl, is_uri, name_of, tag, text_of
from gateway.uses import Use


@dataclass(frozen=True, slots=True)
class RslContent:
    """One ``<content>``. *pattern* is the RFC 9309 path pattern it covers, "" for nothing we can place."""

    url: str
    pattern: str
    licenses: tuple[RslLicense, ...]
    server: str = ""
    encrypted: bool = False
    copyright: str = ""
    terms: str = ""


def contents_of(element: etree._Element) -> Iterator[etree._Element]:
    """The content elements: not those inside another RSL element, or inside foreign elements of a document."""
    for child in element:
        if child.tag == tag(NAMESPACE, "content"):
            yield child
        elif child.tag == tag(NAMESPACE, "rsl") or not (is_rsl(child) or is_rsl(element)):
            yield from contents_of(child)


def holds_everywhere(content: RslContent) -> bool:
    """Whether nobody can tell what it covers, so that it may withhold something anywhere."""
    return content.pattern == "/" and not content.url.startswith("/") and _withheld(content)


def _withheld(content: RslContent) -> bool:
    return any(license is NOTHING for license in content.licenses)


def misplaced(root: etree._Element, alone: bool, notes: Notes) -> bool:
    """Whether some element outside a content may withhold something and is not understood."""
    strays = [root, *_strays(root)] if is_rsl(root) and not alone else list(_strays(root))
    for element in strays:
        notes.error(element, "3", f"there is no element {name_of(element)[:64]} here in RSL 1.0")
    if alone:
        for key in root.attrib:
            if key != "max-age" and not str(key).startswith("{"):
                notes.error(root, "3", f"rsl has no attribute {str(key)[:64]}")
    return any(map(_may_withhold, strays))


def _strays(element: etree._Element) -> Iterator[etree._Element]:
    """The elements that look like RSL's and stand where RSL has none."""
    for child in element:
        if child.tag == tag(NAMESPACE, "content"):
            continue
        if child.tag == tag(NAMESPACE, "rsl") or not (is_rsl(child) or is_rsl(element)):
            yield from _strays(child)
        elif name_of(child):
            yield child


def _may_withhold(stray: etree._Element) -> bool:
    return stray.get("url") is not None or any(name_of(each) in _WITHHOLDING for each in stray.iter())


_WITHHOLDING: Final = frozenset({"content", "license", "permits", "prohibits", "payment"})
_INSIDE: Final = frozenset({"license", "alternate", "schema", "copyright", "terms"})
_ATTRIBUTES: Final = {
    "content": {"url", "server", "encrypted", "lastmod"},
    "alternate": {"type"},
    "schema": {"type"},
    "copyright": {"type", "contactEmail", "contactUrl"},
    "terms": set[str](),
}
_MOMENT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def read_content(element: etree._Element, origin: str, placed: str, alone: bool, notes: Notes) -> RslContent:
    """Read one content element, as `terms.rsl.parse_rsl` says; *alone*: of a document of its own."""
    known = _known(element, notes)
    url, server = element.get("url", "").strip(), element.get("server", "").strip()
    encrypted = element.get("encrypted", "false")
    pattern = _pattern(element, url, origin, placed, alone, notes)
    licenses = tuple(read_license(each, notes) for each in children(element, "license"))
    if not licenses:
        notes.error(element, "3.3", "a content element has a license")
    if server and not is_uri(server):
        notes.error(element, "3.3", "server is an absolute URI")
    elif server and not url:
        notes.error(element, "3.3", "where there is a server, url is not empty")
    if encrypted not in {"true", "false"}:
        notes.error(element, "3.3", "encrypted is true or false")
    if encrypted == "true" and not server:
        notes.error(element, "7.1", "what is encrypted has a server")
    if not _MOMENT.fullmatch(element.get("lastmod", "2026-01-01T00:00:00Z")):
        notes.error(element, "3.3", "lastmod is a time of RFC 3339")
    return RslContent(
        url,
        pattern if pattern is not None else "/",
        licenses if known and pattern is not None else (NOTHING,),
        server=server,
        encrypted=encrypted != "false",
        copyright=text_of(element, "copyright"),
        terms=text_of(element, "terms"),
    )


def _known(element: etree._Element, notes: Notes) -> bool:
    """Whether *element* holds nothing that may withhold rights and is not understood."""
    known = True
    name = name_of(element)
    for key in element.attrib:
        if not str(key).startswith("{") and key not in _ATTRIBUTES[name]:
            notes.error(element, "3", f"{name} has no attribute {str(key)[:64]}")
            known = known and name != "content"
    for child in element:
        called = name_of(child)
        if not called or (is_rsl(child) and called == "license"):
            continue
        if name == "content" and is_rsl(child) and called in _INSIDE:
            _known(child, notes)
        else:
            notes.error(child, "3", f"there is no element {called[:64]} in {name}")
            known = known and name != "content"
    if name == "copyright" and element.get("type", "person") not in {"person", "organization"}:
        notes.error(element, "3.16", "copyright has type person or organization")
    if name == "terms" and not is_uri((element.text or "").strip()):
        notes.warn(element, "3.17", "terms is the URL of what people read")
    return known


def _pattern(
    element: etree._Element, url: str, origin: str, placed: str, alone: bool, notes: Notes
) -> str | None:
    """What *url* covers: "" for nothing of this site, None where nobody can tell."""
    if url.startswith("/"):
        return url
    if url == "*":
        notes.error(element, "3.3.1", "a path pattern starts with a slash")
        return "/"
    if not url:
        if not placed:
            notes.error(element, "3.3", "url is a path pattern, and only empty inside a page")
        return placed or None
    if not is_uri(url):
        notes.error(element, "3.3.1", "a path pattern starts with a slash")
        return None
    if alone:
        notes.error(element, "3.3", "url is a path pattern, not an address")
    if origin and (url == origin or url.startswith((f"{origin}/", f"{origin}?"))):
        path = url[len(origin) :] or "/"
        return path if alone or path[-1] in "*$" else f"{path}$"  # an item of a feed, and none beside it
    return ""


def check_shapes(contents: list[RslContent], found: list[etree._Element], notes: Notes) -> None:
    """Warn of what is allowed and read in different ways (sections 3.1.1 and 3.3.1)."""
    seen: set[str] = set()
    barred: list[tuple[str, frozenset[str]]] = []
    for content, element in zip(contents, found, strict=False):
        if content.url and content.url in seen:
            notes.warn(element, "3.3.1", f"the url {content.url[:64]} is that of another content too")
        seen.add(content.url)
        bare = content.url.rstrip("*") if content.url.startswith("/") else ""
        if (
            bare
            and not bare.endswith(("/", "$", "?", "&", "="))
            and "?" not in bare
            and not _withheld(content)
        ):
            notes.warn(element, "3.3.1", f"{content.url[:64]} is a prefix to some readers, a path to others")
        barred += [(content.pattern, each.prohibited) for each in content.licenses if each.prohibited]
    for content, element in zip(contents, found, strict=False):
        for use in frozenset[Use]().union(*(each.uses for each in content.licenses)):
            if any(
                pattern and pattern != content.pattern and surely_inside(content.pattern, pattern)
                and words & {use.value, "all", *(() if use is Use.SEARCH else ("ai-all",))}
                for pattern, words in barred
            ):  # fmt: skip
                notes.warn(element, "3.1.1", f"{use} is permitted here and prohibited further out")
