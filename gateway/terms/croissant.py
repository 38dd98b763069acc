"""Croissant 1.1 (MLCommons, 2026-01-29): what is on offer as a dataset with its terms, written and read.

A bundle of works is a live dataset (``isLiveDataset``): its files are behind
this gate and change, so they have no checksum, and each path that is offered
stands as a ``FileObject`` at its address. ``usageInfo`` holds the ``odrl:Offer`` of
each offer (section "Fine-Grained Control with ODRL"), word for word what
`terms.odrl` says, under prefixes, because the document has a context of its own.

What it cannot say: uses free for everybody, what a token costs and where it is
had but for the address in ``license``, and single records. Pure; raises nothing
on any input.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.paths import PathScope
from gateway.terms.license_terms import Offer, PublishedTerms
from gateway.terms.odrl import (
    OdrlError,
    OdrlPolicy,
    odrl_offer,
    offer_url,
    offered,
    offered_scope,
    read_policy,
)
from gateway.terms.odrl_duties import listed
from gateway.terms.odrl_words import OURS, prefixed, unprefixed
from gateway.terms.payment_required import absolute, plain

CONFORMS_TO: Final = "http://mlcommons.org/croissant/1.1"
MEDIA_TYPE: Final = f'application/ld+json; profile="{CONFORMS_TO}"'
_TERMS: Final = (
    "annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract",
    "field", "fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath",
    "key", "md5", "parentField", "path", "readLines", "recordSet", "references", "regex", "repeated", "replace",
    "samplingRate", "sdVersion", "separator", "source", "subField", "transform", "unArchive", "value",
)  # fmt: skip
#: The context of the specification's appendix 1 (as mlcroissant 1.1.1 has it), and the prefixes of the offers.
CONTEXT: Final = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: f"cr:{name}" for name in _TERMS},
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "licet": OURS,
}


def croissant(
    terms: PublishedTerms, *, published: str, offers: Iterable[Offer] | None = None
) -> dict[str, object]:
    """The works under *offers* (all that *terms* publish if None) as a dataset; *published* is a date like 2026-11-26."""
    chosen = offered(terms) if offers is None else tuple(offers)
    scopes = [offered_scope(terms, offer) for offer in chosen]
    paths = dict.fromkeys(path for scope in scopes for path in scope.paths)
    works = dict.fromkeys(plain(work) for scope in scopes for work in scope.works)
    host = terms.origin.partition("://")[2]
    name = plain(terms.name) or host
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": f"{name}: works for license",
        "description": f"Works of {name} that can be licensed: {', '.join(works) or 'none'}.",
        "url": f"{terms.origin}/",
        "license": [offer_url(terms, offer) for offer in chosen] or [terms.license_url],
        "creator": {"@type": "sc:Organization", "name": name, "url": f"{terms.origin}/"},
        "citeAs": f"{name}, {terms.origin}/",
        "datePublished": published,
        "version": "1.0.0",
        "isLiveDataset": True,
        "distribution": [_file(terms.origin, path) for path in paths],
        "usageInfo": [_usage(terms, offer) for offer in chosen],
    }


def _file(origin: str, path: PathScope) -> dict[str, object]:
    """Where the works under *path* begin; a pattern with stars is told by name."""
    begins = path.pattern.partition("*")[0].rpartition("/")[0] + "/" if "*" in path.pattern else path.pattern
    return {
        "@type": "cr:FileObject",
        "@id": f"works{path.pattern}",
        "name": path.pattern,
        "contentUrl": absolute(origin + begins),
        "encodingFormat": "text/html",
    }


def _usage(terms: PublishedTerms, offer: Offer) -> dict[str, object]:
    told = prefixed(odrl_offer(terms, offer))
    assert isinstance(told, dict)
    return {**told, "@type": ["CreativeWork", "odrl:Offer"], "name": plain(offer.id)}


def read_usage(document: object) -> tuple[OdrlPolicy | OdrlError, ...]:
    """The offers in ``usageInfo``; what holds no ``odrl:Offer`` is left out."""
    told = listed(document.get("usageInfo")) if isinstance(document, dict) else []
    return tuple(
        _read_usage(each)
        for each in told
        if isinstance(each, dict) and "odrl:Offer" in listed(each.get("@type"))
    )


def _read_usage(value: dict[str, object]) -> OdrlPolicy | OdrlError:
    try:
        told = unprefixed(value)
    except RecursionError:
        return OdrlError("it is nested too deep")
    assert isinstance(told, dict)
    return read_policy({**told, "@type": "Offer"})
