"""RSL 1.0 (Really Simple Licensing, 2025-12-10, errata to 2026-08-07): license.xml, rendered and read.

What one ``<license>`` says, and what the format has no words for, is in
`terms.rsl_license`. Where the specification is silent, documents are made and
read like this:

- *server*: it sends every client to the token endpoint, even for what is free.
  Free uses stand in a ``<content>`` without it, paid offers in one with it. So
  that the two do not share a ``url`` (it is their identifier, section 3.3.1),
  the paid one has the same pattern with one more star. For one exact path
  (``/a.html$``) there is no other spelling: both stand in one without a server,
  and where to buy is told by the license.
- *what is free* is not sold beside it: a license grants the uses of its offer
  that its scope does not give away.
- *paths*: a prefix reaches ``/essays-old``; a scope is written as ``/essays/``,
  ``/essays$`` and ``/essays?*``, which all readers take for the same subtree.
- *a wide grant and a narrow reservation*: a broader permit fills the gap, so the
  narrow scope prohibits by name what a wider one grants and it does not.
- *a wide prohibition and a narrow grant* is read both ways (section 3.1.1), so it
  is never written: what a scope must prohibit, scopes inside it do not publish.
- a wrong namespace is not RSL; an absolute ``url`` of another origin covers nothing;
  what is no path at all withholds everything, everywhere.

Pure; raises nothing on any input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from lxml import etree

from gateway.paths import PathScope, canonical
from gateway.terms.license_terms import Offer, PublishedScope, PublishedTerms
from gateway.terms.rsl_content import (
    RslContent,
    check_shapes,
    contents_of,
    holds_everywhere,
    misplaced,
    read_content,
)
from gateway.terms.rsl_license import (
    NOTHING,
    WORDED,
    RslLicense,
    add_license,
    license_of,
    parse_license,
)
from gateway.terms.rsl_xml import (
    NAMESPACE,
    OUR_NAMESPACE,
    Breach,
    Notes,
    RslError,
    Severity,
    add,
    is_rsl,
    name_of,
    parse_xml,
    tag,
)
from gateway.uses import Use, Uses

__all__ = [
    "MEDIA_TYPE",
    "NAMESPACE",
    "OUR_NAMESPACE",
    "RslContent",
    "RslDocument",
    "RslError",
    "RslLicense",
    "content_patterns",
    "license_of",
    "offers_for",
    "parse_license",
    "parse_rsl",
    "render_rsl",
]

MEDIA_TYPE: Final = "application/rsl+xml"
#: A document may have so many octets.
MOST_OCTETS: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RslDocument:
    """An RSL document as read. *breaches* say where it is not what the specification asks for."""

    contents: tuple[RslContent, ...]
    max_age_days: int = 30
    breaches: tuple[Breach, ...] = ()

    @property
    def deviations(self) -> tuple[str, ...]:
        """What is wrong with it, each thing once."""
        return tuple(dict.fromkeys(each.what for each in self.breaches if each.severity is Severity.ERROR))


# Publishing


def content_patterns(scope: PathScope) -> tuple[str, ...]:
    """The ``url`` patterns that cover exactly *scope* in every reading, queries included.

    >>> content_patterns(PathScope("/essays"))
    ('/essays/', '/essays$', '/essays?*')
    """
    if "*" in scope.pattern:
        return (f"{scope.pattern}$", f"{scope.pattern}?*")
    stem = scope.pattern.rstrip("/")
    return (f"{stem}/", f"{stem}$", f"{stem}?*") if stem else ("/",)


def _twin(pattern: str) -> str:
    """Another spelling of *pattern*, one octet longer; for an exact path itself, as there is none."""
    return f"{pattern}*" if not pattern.endswith("$") else pattern.replace("*", "**", 1)


@dataclass(frozen=True, slots=True)
class _Part:
    """What the document says about one scope; *prohibited* is granted further out and not here."""

    scope: PublishedScope
    free: Uses
    offers: tuple[Offer, ...]
    prohibited: Uses = frozenset()

    @property
    def granted(self) -> Uses:
        return self.free.union(*(license_of(offer).uses for offer in self.offers))


def _parts(terms: PublishedTerms) -> list[_Part]:
    """The scopes, wider first, each knowing what those around it say."""
    parts: list[_Part] = []
    for scope in reversed(terms.scopes):
        around = [part for part in parts if _overlap(scope, part.scope)]
        closed = frozenset[Use]().union(*(part.prohibited for part in around))
        free = (scope.free & WORDED) - closed
        sold = [
            offer
            for offer in scope.offers
            if license_of(offer).uses - free and not license_of(offer).uses & closed
        ]
        placed = tuple(offer for offer in sold if offer.terms.territory.regions != frozenset())
        part = _Part(scope, free, placed)
        granted = frozenset[Use]().union(*(part.granted for part in around))
        prohibited = granted - part.granted
        if prohibited and not part.granted:
            prohibited = WORDED
        parts.append(replace(part, prohibited=prohibited))
    return parts


def _overlap(one: PublishedScope, other: PublishedScope) -> bool:
    """Whether some path may be in both; says yes where stars leave it open."""
    return any(_meet(mine, yours) for mine in one.paths for yours in other.paths)


def _meet(one: PathScope, other: PathScope) -> bool:
    if "*" not in one.pattern + other.pattern:
        return one.within(other) or other.within(one)
    heads = [scope.pattern.partition("*")[0].rstrip("/") for scope in (one, other)]
    return heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])


def render_rsl(terms: PublishedTerms, *, lastmod: str = "") -> bytes:
    """The document to serve at `PublishedTerms.license_url`; it never says more than *terms*.

    *lastmod* is when the terms last changed (RFC 3339), where that is known. A
    site that offers and grants nothing says so with one prohibition of ``all``.
    """
    root = etree.Element(tag(NAMESPACE, "rsl"), nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    root.set("max-age", str(max(1, terms.publishing.license_days)))
    for part in reversed(_parts(terms)):
        for pattern in (each for path in part.scope.paths for each in content_patterns(path)):
            for url, server, free, sold in _told(part, pattern):
                content = add(root, "content", url=url, **({"server": terms.desk_url} if server else {}))
                if server and part.scope.encrypted:
                    content.set("encrypted", "true")
                if free:
                    _free(content, part)
                if sold:
                    _sell(content, part, terms)
                if not free and not sold:
                    _nothing(content)
                _about(content, terms, whole=part.scope.paths == (PathScope("/"),))
    if not len(root):
        _nothing(add(root, "content", url="/"))
    if lastmod:
        for content in root:
            content.set("lastmod", lastmod)
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _told(part: _Part, pattern: str) -> list[tuple[str, bool, bool, bool]]:
    """The contents of *pattern*: url, whether with a server, what is free in it, what is for sale."""
    if part.free and part.offers:
        if _twin(pattern) == pattern:
            return [(pattern, False, True, True)]
        return [(_twin(pattern), True, False, True), (pattern, False, True, False)]
    if part.free or part.offers:
        return [(pattern, bool(part.offers), bool(part.free), bool(part.offers))]
    return [(pattern, False, False, False)] if part.prohibited else []


def content_for(
    terms: PublishedTerms, path: str, url: str = "", prefix: str | None = None
) -> etree._Element | None:
    """The one ``<content>`` that stands in the page at canonical *path* (sections 4.6.2 and 4.7), or None.

    *url* is "" for the page it stands in; its parent is an ``<rsl>`` of its own.
    What is free there needs no token: a
    server is only named where nothing is.
    """
    parts = _parts(terms)
    part = next((each for each in reversed(parts) if any(p.covers(path) for p in each.scope.paths)), None)
    if part is None:
        return None
    root = etree.Element(tag(NAMESPACE, "rsl"), nsmap={prefix: NAMESPACE})  # type: ignore[dict-item]
    content = add(root, "content", url=url)
    if part.free:
        _free(content, part)
    elif part.offers and url:
        content.set("server", terms.desk_url)
    if part.offers:
        _sell(content, part, terms)
    if not part.granted:
        _nothing(content)
    _about(content, terms, whole=False)
    return content


def _free(content: etree._Element, part: _Part) -> None:
    element = add(content, "license")
    add(element, "permits", " ".join(sorted(part.free)), type="usage")
    if part.prohibited:
        add(element, "prohibits", " ".join(sorted(part.prohibited)), type="usage")
    add(element, "payment", type="free")


def _sell(content: etree._Element, part: _Part, terms: PublishedTerms) -> None:
    for offer in part.offers:
        add_license(content, offer, license_of(offer).uses - part.free, part.prohibited, terms)


def _nothing(content: etree._Element) -> None:
    add(add(content, "license"), "prohibits", "all", type="usage")


def _about(content: etree._Element, terms: PublishedTerms, *, whole: bool) -> None:
    """What else is known of what *content* covers; of the *whole* site more than of its parts."""
    contact = terms.contact.removeprefix("mailto:")
    attributes = {}
    if contact.startswith(("https://", "http://")):
        attributes["contactUrl"] = contact
    elif "@" in contact:
        attributes["contactEmail"] = contact
    for media_type, url in terms.publishing.alternates if whole else ():
        add(content, "alternate", url, type=media_type)
    if whole and terms.publishing.schema_url:
        add(content, "schema", terms.publishing.schema_url)
    if terms.name or attributes:
        add(content, "copyright", terms.name or terms.origin.partition("://")[2], **attributes)
    add(content, "terms", f"{terms.desk_url}/terms/")


def offers_for(terms: PublishedTerms, resource: str) -> tuple[Offer, ...]:
    """The offers that hold for the ``resource`` of an OLP token request (section 5.4.2); empty if none do.

    *resource* is a ``url`` of our document, or a path or URL of this site; the
    narrowest scope counts.
    """
    for scope in terms.scopes:
        patterns = {pattern for path in scope.paths for pattern in content_patterns(path)}
        if resource in patterns or resource in {_twin(pattern) for pattern in patterns}:
            return scope.offers
    path = resource.removeprefix(terms.origin) if resource.startswith(terms.origin) else resource
    found = canonical(re.split(r"[?#]", path, maxsplit=1)[0] or "/")
    if not isinstance(found, str) or "*" in found:
        return ()
    covering = (scope for scope in terms.scopes if any(path.covers(found) for path in scope.paths))
    return next((scope.offers for scope in covering), ())


# Reading


def parse_rsl(octets: bytes, *, origin: str = "", placed: str = "") -> RslDocument | RslError:
    """Read a document, or a feed or file with RSL in it, as far as it can be read; never expands rights.

    *origin* is the origin that the document governs, for absolute ``url`` values;
    *placed* is the pattern that an empty ``url`` means: the page it stands in.
    """
    root = parse_xml(octets, MOST_OCTETS)
    if isinstance(root, RslError):
        return root
    if name_of(root) == "rsl" and not is_rsl(root):
        return RslError("its root is in no namespace")
    alone = root.tag == tag(NAMESPACE, "rsl")
    found = list(contents_of(root))
    if not found and not alone:
        return RslError("there is no RSL element in it")
    notes = Notes()
    contents = [read_content(element, origin, placed, alone, notes) for element in found]
    if misplaced(root, alone, notes) or any(map(holds_everywhere, contents)):
        contents = [replace(each, licenses=(NOTHING,)) for each in [*contents, RslContent("", "/", ())]]
    if alone and root.prefix is not None:
        notes.warn(root, "2.2", "a document of its own has RSL as its default namespace, without a prefix")
    if placed and len(found) != 1:
        notes.error(root, "4.6.2", "what stands in a page has exactly one content element")
    if not found:
        notes.error(root, "3.1", "there is no content element")
    check_shapes(contents, found, notes)
    stated = root.get("max-age", "30") if alone else "30"
    days = int(stated) if re.fullmatch(r"[0-9]{1,5}", stated, re.ASCII) else 0
    if not days:
        notes.error(root, "3.2", "max-age is a positive number of days")
    return RslDocument(tuple(contents), days or 30, notes.breaches())
