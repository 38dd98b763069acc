"""TDMRep: what is reserved from text and data mining, in a file and in two headers.

TDM Reservation Protocol, W3C Community Group Final Report (2024-05-10). The file
is ``/.well-known/tdmrep.json``, an array of rules of which the first that matches
decides, so narrower ones stand first and the whole site last. The headers
``tdm-reservation`` and ``tdm-policy`` override the file, and an HTML meta of that
name overrides both, which `contradicting_meta` looks for.

1 is reserved; 0 is written only where every use that mines is free to everybody.
Anything else is unset. The policy (an ODRL offer) tells that a license can be
had; prices, places and terms stand elsewhere. Search is not mining here.

Reading is strict on shape, as the report is: what is no array, or a rule without
a location and a 0 or 1, says nothing. Pure; raises nothing on any octets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import orjson

from gateway.terms.license_terms import PublishedScope, PublishedTerms
from gateway.terms.robots_pattern import encoded, matches, may_meet, surely_inside
from gateway.uses import Use, Uses, closure

PATH: Final = "/.well-known/tdmrep.json"
MEDIA_TYPE: Final = "application/json"
POLICY_PATH: Final = "/.well-known/licenses/tdm.jsonld"
RESERVATION: Final = "tdm-reservation"
POLICY: Final = "tdm-policy"
#: The uses that are text and data mining.
MINING: Uses = frozenset({Use.AI_TRAIN, Use.AI_INDEX, Use.AI_INPUT, Use.TDM})
_MOST_RULES: Final = 200
_MOST_OCTETS: Final = 256 * 1024
_LONGEST: Final = 2048
#: Where a meta element is looked for.
_HEAD_OCTETS: Final = 64 * 1024
_META: Final = re.compile(rb"<meta\b[^>]{0,500}>", re.IGNORECASE)
_NAME: Final = re.compile(rb"\bname\s*=\s*[\"']?tdm-reservation[\"'\s/>]", re.IGNORECASE)
_CONTENT: Final = re.compile(rb"\bcontent\s*=\s*[\"']?\s*([0-9]{1,4})[\"'\s/>]", re.IGNORECASE)
_HIDDEN: Final = re.compile(
    rb"<!--.*?(?:-->|$)|<(script|style|template)\b.*?(?:</\1|$)", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class TdmRule:
    """One rule of the file: whether what *location* matches is reserved, and where its policy is, or ""."""

    location: str
    reserved: bool
    policy: str = ""


def reserved(scope: PublishedScope) -> bool:
    """Whether mining is reserved in *scope*."""
    return not closure(scope.free) >= MINING


def rules_of(terms: PublishedTerms) -> tuple[TdmRule, ...]:
    """The rules of *terms*, narrower before wider, the whole site last."""
    policy = terms.origin + POLICY_PATH if any(scope.offers for scope in terms.scopes) else ""
    found = [
        TdmRule(pattern, reserved(scope), policy if reserved(scope) else "")
        for scope in terms.scopes
        for path in scope.paths
        for pattern in path.as_robots()
    ]
    if not any(rule.location == "/" for rule in found):
        found.append(TdmRule("/", reserved=True, policy=policy))
    # A rule that says what the rule for everything says at its place is not needed.
    last = found[-1]
    first = [rule for rule in found[:-1] if rule.reserved != last.reserved or _is_needed(rule, found)]
    return (*first, last)


def _is_needed(rule: TdmRule, rules: list[TdmRule]) -> bool:
    behind = rules[rules.index(rule) + 1 : -1]
    return any(
        other.reserved != rule.reserved and may_meet(rule.location, other.location) for other in behind
    )


def render(rules: tuple[TdmRule, ...]) -> bytes:
    """The file."""
    written = [
        {
            "location": rule.location,
            RESERVATION: int(rule.reserved),
            **({POLICY: rule.policy} if rule.policy else {}),
        }
        for rule in rules
    ]
    return orjson.dumps(written, option=orjson.OPT_INDENT_2) + b"\n"


def read(octets: bytes) -> tuple[TdmRule, ...] | None:
    """The rules of a file, or None for what does not implement the protocol."""
    if len(octets) > _MOST_OCTETS:
        return None
    try:
        found = orjson.loads(octets.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, list):
        return None
    rules = (_read_rule(each) for each in found[:_MOST_RULES])
    # What is not looked at one by one must not be freed by passing over it.
    rest = (TdmRule("/", reserved=True),) if len(found) > _MOST_RULES else ()
    return (*(rule for rule in rules if rule is not None), *rest)


def _read_rule(found: object) -> TdmRule | None:
    if not isinstance(found, dict):
        return None
    location, value, policy = found.get("location"), found.get(RESERVATION), found.get(POLICY, "")
    if not isinstance(location, str) or not location.startswith("/") or len(location) > _LONGEST:
        return None
    if type(value) is not int or value not in {0, 1}:
        return None
    told = policy if isinstance(policy, str) and len(policy) <= _LONGEST and value else ""
    return TdmRule(encoded(location), bool(value), told)


def at(rules: tuple[TdmRule, ...], path: str) -> TdmRule | None:
    """The first rule that matches encoded *path*, or None where nothing is said."""
    return next((rule for rule in rules if matches(rule.location, path)), None)


def merged(ours: tuple[TdmRule, ...], theirs: tuple[TdmRule, ...]) -> tuple[TdmRule, ...]:
    """Rules by which all is reserved that either reserves; what *theirs* frees is free where all of *ours* is there.

    The first that matches decides, so theirs stand first.
    """
    found = []
    for place, rule in enumerate(theirs):
        if rule.reserved:
            found.append(rule)
        elif any(later.reserved and may_meet(later.location, rule.location) for later in theirs[place + 1 :]):
            closed = _ours_reserves(ours, rule.location)
            found.append(TdmRule(rule.location, closed, rule.policy if closed else ""))
    return tuple(dict.fromkeys((*found, *ours)))


def _ours_reserves(ours: tuple[TdmRule, ...], location: str) -> bool:
    """Whether anything of what *location* matches is reserved by *ours*."""
    for rule in ours:
        if may_meet(rule.location, location):
            if rule.reserved:
                return True
            if surely_inside(location, rule.location):
                return False
    return True


def merged_file(origin: bytes | None, terms: PublishedTerms, *, unread: bool = False) -> bytes:
    """The file to serve: what the terms or the site's own file reserve is reserved.

    *origin* is the site's own file, or None where it has none. With *unread* it
    cannot be had at the moment, so all is reserved; so it is where that file is
    too large to be read.
    """
    ours = rules_of(terms)
    if unread or len(origin or b"") > _MOST_OCTETS:
        return render((TdmRule("/", reserved=True, policy=ours[-1].policy),))
    return render(merged(ours, read(origin or b"") or ()))


def header_value(value: str) -> bool | None:
    """What ``tdm-reservation`` says: True is reserved, None is anything but 0 and 1."""
    return {"1": True, "0": False}.get(value.strip())


def contradicting_meta(page: bytes) -> bool:
    """Whether an HTML page says in its beginning that mining is not reserved, against whatever a header says."""
    for meta in _META.findall(_HIDDEN.sub(b"", page[:_HEAD_OCTETS])):
        if _NAME.search(meta):
            said = _CONTENT.search(meta)
            if said is not None and said[1] == b"0":
                return True
    return False
