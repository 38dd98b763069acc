"""The words of ODRL 2.2 that we speak, those of our own profile, and the contexts that spell them out.

ODRL Information Model 2.2 and ODRL Vocabulary 2.2 (W3C Recommendations,
2018-02-15). The contexts below hold what our documents need and are never
fetched; where the published context of the W3C has a term, ours maps it to the
same IRI. A processor that knows none of our profile must stop (Information
Model, section 3.2): the profile is `PROFILE`, its words begin with `OURS`, and
each of its actions is included in ``odrl:use`` (`profile_document`).

The places of a ``spatial`` constraint are IRIs: `PLACE` and the ISO 3166-1
alpha-2 code, or ``EU`` for what `terms.european_union` lists. Currencies are
those of the Publications Office of the European Union, by ISO 4217 code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.terms.payment_required import absolute, plain
from gateway.uses import Use

MEDIA_TYPE: Final = "application/ld+json"
ODRL_CONTEXT: Final = "http://www.w3.org/ns/odrl.jsonld"
TDM_CONTEXT: Final = "http://www.w3.org/ns/tdmrep.jsonld"
#: The profile a processor has to know, the prefix of its words, and that of places.
PROFILE: Final = "urn:licet:odrl:1"
OURS: Final = "urn:licet:odrl:1:"
PLACE: Final = "urn:licet:iso3166:"
CURRENCY: Final = "http://publications.europa.eu/resource/authority/currency/"
_ODRL: Final = "http://www.w3.org/ns/odrl/2/"
_TDM: Final = "http://www.w3.org/ns/tdmrep#"

#: Each use as an action of our profile.
ACTIONS: Final[Mapping[str, Use]] = {f"licet:{use}": use for use in Use}
#: What our profile's own words mean, for people; actions first.
_MEANINGS: Final[Mapping[str, str]] = {
    "search": "index a work and show it in results with a link and a short excerpt",
    "ai-input": "give a work to a model to answer one question",
    "ai-index": "keep a work, or vectors of it, for later answers",
    "ai-train": "train a model on a work; includes fine-tune",
    "fine-tune": "adapt a trained model with a work",
    "tdm": "analyze works by machine for patterns, trends and correlations",
    "internal-research": "use a work for research inside the licensee's company",
    "evaluate": "test models with a work",
    "release-closed-weights": "offer a model made with a work without giving its weights away",
    "release-open-weights": "give away the weights of a model made with a work",
    "allow-audit": "let the creator, or whom the creator names, check that the terms are kept",
    "publish-model-card": "publish which works went into a model",
    "withdraw": "stop using a work that the creator takes back",
    "plan-remediation": "say how a work that was taken back leaves models and indexes",
    "retrain": "train again without a work that was taken back, where feasible",
}

_IDS: Final = (
    "uid", "profile", "assigner", "assignee", "target", "source", "permission", "prohibition", "obligation", "duty",
    "constraint", "refinement", "includedIn",
)  # fmt: skip
_NAMES: Final = (
    "Offer", "Agreement", "Permission", "Prohibition", "Duty", "Constraint", "AssetCollection", "Party", "Action",
    "use", "distribute", "grantUse", "sell", "compensate", "attribute", "inform", "delete", "ensureExclusivity",
    "obtainConsent", "prohibit", "spatial", "dateTime", "elapsedTime", "event", "purpose", "count", "payAmount",
    "percentage", "unitOfCount", "policyUsage", "eq", "lt", "lteq", "gt", "gteq", "isAnyOf", "isNoneOf", "unit",
    "rightOperand",
)  # fmt: skip
_SPOKEN: Final = ("action", "conflict", "leftOperand", "operator", "rightOperand", "unit")
_CONTEXTS: Final[Mapping[str, Mapping[str, object]]] = {
    ODRL_CONTEXT: {
        "odrl": _ODRL,
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "dct": "http://purl.org/dc/terms/",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "vcard": "http://www.w3.org/2006/vcard/ns#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        **{name: {"@id": f"odrl:{name}", "@type": "@id"} for name in _IDS},
        **{name: {"@id": f"odrl:{name}", "@type": "@vocab"} for name in _SPOKEN[:4]},
        **{name: f"odrl:{name}" for name in _NAMES},
    },
    TDM_CONTEXT: {"tdm": _TDM},
}
OUR_CONTEXT: Final[Mapping[str, str]] = {"licet": OURS}


def in_full(document: Mapping[str, object]) -> dict[str, object]:
    """*document* with the contexts it names by address in their place, so that nothing has to be fetched."""
    named = document.get("@context", [])
    listed = named if isinstance(named, list) else [named]
    return {
        **document,
        "@context": [_CONTEXTS.get(each, each) if isinstance(each, str) else each for each in listed],
    }


def prefixed(value: object, key: str = "") -> object:
    """*value* of an ODRL document with every word under its prefix, for a document with contexts of its own.

    >>> prefixed({"conflict": "prohibit", "target": "urn:a"})
    {'odrl:conflict': {'@id': 'odrl:prohibit'}, 'odrl:target': {'@id': 'urn:a'}}
    """
    told = _CONTEXTS[ODRL_CONTEXT].get(key)
    kind = told.get("@type") if isinstance(told, dict) else None
    if isinstance(value, list):
        return [prefixed(each, key) for each in value]
    if isinstance(value, dict):
        return {
            (f"odrl:{name}" if name in _IDS or name in _SPOKEN else name): prefixed(inner, name)
            for name, inner in value.items()
            if name != "@context"
        }
    if not isinstance(value, str):
        return value
    if key == "@type" or kind == "@vocab":
        value = value if ":" in value else f"odrl:{value}"
    return {"@id": value} if kind in {"@id", "@vocab"} else value


def unprefixed(value: object) -> object:
    """What `prefixed` was made of, but for words that stand as references, which reading takes alike."""
    if isinstance(value, list):
        return [unprefixed(each) for each in value]
    if isinstance(value, dict):
        return {name.removeprefix("odrl:"): unprefixed(inner) for name, inner in value.items()}
    return value


def short(word: object) -> str:
    """A word as we write it: ``compensate``, ``licet:fetch``; "" for what is no word.

    >>> short({"@id": "http://www.w3.org/ns/odrl/2/sell"}), short("odrl:sell"), short("urn:licet:odrl:1:fetch")
    ('sell', 'sell', 'licet:fetch')
    """
    if isinstance(word, dict):
        word = word.get("@id")
    if not isinstance(word, str):
        return ""
    for prefix, ours in ((_ODRL, ""), ("odrl:", ""), (OURS, "licet:"), (_TDM, "tdm:")):
        if word.startswith(prefix):
            return ours + word[len(prefix) :]
    return word


def constraint(left: str, operator: str, right: object, unit: str = "") -> dict[str, object]:
    """One constraint or refinement."""
    made: dict[str, object] = {"leftOperand": left, "operator": operator, "rightOperand": right}
    return {**made, "unit": {"@id": unit}} if unit else made


def typed(value: str, kind: str) -> dict[str, str]:
    """A literal of an XML Schema type; numbers stand as text, so that no reader makes a float of them."""
    return {"@value": value, "@type": f"xsd:{kind}"}


def places(regions: Iterable[str]) -> list[dict[str, str]]:
    """The IRIs of *regions*; where there is no place at all, that of a code that no place has."""
    return [{"@id": PLACE + code} for code in sorted(regions) or ["ZZ"]]


def region_of(iri: str) -> str:
    """The region that *iri* names, or "" where it is none of ours."""
    code = iri.removeprefix(PLACE)
    return code if code != iri and re.fullmatch("[A-Z]{2}", code) and code != "ZZ" else ""


def party(origin: str, name: str, contact: str, desk: str) -> dict[str, object]:
    """The creator as an ODRL party, with the properties of vCard that TDMRep lets stand."""
    reached = reach(contact)
    kind = "vcard:hasEmail" if reached.startswith("mailto:") else "vcard:hasURL"
    return {
        "uid": f"{origin}/#creator",
        "vcard:fn": plain(name) or origin.partition("://")[2],
        "vcard:hasURL": f"{desk}/",
        **({kind: reached} if reached else {}),
    }


def reach(contact: str) -> str:
    """*contact* as a URI, or "" where it is neither an address of mail nor of the web.

    >>> reach("rights@journal.example"), reach("ask us")
    ('mailto:rights@journal.example', '')
    """
    if contact.startswith(("https://", "http://")):
        return absolute(contact)
    found = contact.removeprefix("mailto:")
    return f"mailto:{found}" if re.fullmatch(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+", found, re.ASCII) else ""


def profile_document() -> dict[str, object]:
    """What the actions of our profile mean: each is included in ``odrl:use`` (Information Model, 2.4)."""
    return {
        "@context": [ODRL_CONTEXT, OUR_CONTEXT],
        "@graph": [
            {
                "@id": f"licet:{name}",
                "@type": "Action",
                "includedIn": f"licet:{Use.AI_TRAIN}" if name == Use.FINE_TUNE else "odrl:use",
                "skos:definition": meaning,
            }
            for name, meaning in _MEANINGS.items()
        ],
    }
