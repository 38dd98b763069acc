"""What the addresses of terms, quotes and offers in other formats are for, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.desk.call import About
from gateway.desk.metadata import PREFIX
from gateway.desk.reading import JSON
from gateway.uses import Use

_TEXT: Final = {"type": "string"}
_OBJECT: Final[Mapping[str, object]] = {"type": "object"}
_LD: Final = "application/ld+json"
_MOST_URLS: Final = 1000
_WHO: Final[Mapping[str, Mapping[str, object]]] = {
    "crawler": _TEXT,
    "use": {"type": "array", "items": {"enum": sorted(Use)}},
    "rendition": _TEXT,
    "country": {"type": "string", "pattern": "^[A-Za-z]{2}$"},
}
_URLS: Final = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": _MOST_URLS}
_QUOTE: Final = {
    "GET": About("What one page costs, and why.", asks={"url!": _TEXT, **_WHO}, gives={JSON: _OBJECT}),
    "POST": About(
        f"What up to {_MOST_URLS} pages cost, a line of JSON for each.",
        takes={JSON: _URLS},
        asks=_WHO,
        gives={"application/jsonl": {}},
    ),
}


def _read(summary: str, *media: str, **more: Any) -> dict[str, About]:
    return {"GET": About(summary, gives={each: {} for each in media}, **more)}


#: path -> method -> what it is for.
DESCRIBED_TERMS: Final[Mapping[str, Mapping[str, About]]] = {
    f"{PREFIX}/terms": _read("The license terms in force, for people and programs.", JSON),
    f"{PREFIX}/terms/": _read("The license terms in force, for people and programs.", JSON),
    f"{PREFIX}/terms/versions": _read("Which terms came into force when, newest first.", JSON),
    f"{PREFIX}/terms/*": _read(
        "One version of the terms by its digest; with `/changes` behind it, what it changed.",
        JSON,
        asks={"against": _TEXT},
        rest=("version", _TEXT),
    ),
    f"{PREFIX}/quote": _QUOTE,
    f"{PREFIX}/licenses/quote": _QUOTE,
    f"{PREFIX}/catalogue": _read(
        "Everything that is for sale, page by page of a list.",
        JSON,
        asks={
            "limit": {"type": "integer", "minimum": 1, "maximum": 500},
            "cursor": _TEXT,
            "changed_since": {"type": "string", "format": "date-time"},
            "crawler": _TEXT,
        },
    ),
    f"{PREFIX}/offers/*": _read(
        "One offer in ODRL.", _LD, rest=("file", {"type": "string", "pattern": r"^.+\.jsonld$"})
    ),
    f"{PREFIX}/odrl-profile.jsonld": _read("What the words of our ODRL profile mean.", _LD),
    f"{PREFIX}/comp": _read("Every offer as a package of IAB CoMP.", JSON),
    f"{PREFIX}/comp/*": _read("One offer as a package of IAB CoMP.", JSON, rest=("offer", _TEXT)),
}
