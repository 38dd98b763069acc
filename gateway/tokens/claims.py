"""What a license token says: one profile, strict in both directions.

A JWT access token (RFC 9068, October 2021) whose every restriction stands in
``authorization_details`` (RFC 9396, May 2023) of the one type
``content_license``, version 1, 2 or 3. Header: ``alg``, ``kid``, ``typ: at+jwt``.

=========================== ====================================================
``iss``                     the desk: ``ORIGIN/.licet``
``aud``                     the site's public origin, one string
``sub``, ``client_id``      the client that asked for it
``iat nbf exp``             whole seconds
``jti``                     UUIDv7
``authorization_details``   one object: ``type version license locations
                            excluded renditions privileges territory crawlers
                            budget price terms policy licensee offer``
``cnf``                     of a bound token alone: ``{"jkt": thumbprint}``
                            (RFC 7800, RFC 9449 section 6.1)
``scope``                   where one was asked for: the same as ``privileges``
=========================== ====================================================

``locations`` are path scopes of the audience, less those in ``excluded``; ``privileges`` are uses;
``offer`` names the published offer that was accepted, "" for a negotiated deal;
``territory`` is a list of regions or null for worldwide; ``crawlers`` names the
agents a license was bought for, empty for none in particular; ``budget`` is
``{"micros": int | null, "fetches": int | null}``; ``price`` is
``{"micros": int, "currency": str, "per": "fetch"}``. Members are never removed
or given another meaning; a new one in the detail is a new version: version 2 has
``window_hours`` besides, in which unchanged content is not paid for again, and
stands only where that is not the 24 hours of version 1; version 3 has both that and
``by_age``, ``[{"from_days": int, "micros": int}]`` in the currency of the price and going down:
what a page costs that was published so many days ago (`terms.ages`). Version 4 has
these, either of which may say nothing, and ``bundle``, the hash of the manifest of a
bundle whose items are what the token covers, and no ``locations``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.languages import Phrase
from gateway.money import LARGEST_MICROS, Money, MoneyError
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.ages import AgeStep, check_steps
from gateway.terms.license_terms import LONGEST_WINDOW_HOURS, WINDOW_HOURS, Territory
from gateway.uses import Uses, parse_use

TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - a media type
DETAIL_TYPE: Final = "content_license"
#: How far the clock of whoever minted may be off.
LEEWAY_SECONDS: Final = 30
DETAIL_VERSION: Final = 1
#: The version that names a window of its own.
_WINDOWED: Final = 2
#: The version that names steps by age, and the window.
_AGED: Final = 3
#: The version that names a bundle in place of locations.
_BUNDLED: Final = 4
_MANIFEST: Final = re.compile(r"sha-256:[0-9a-f]{64}", re.ASCII)
_STEPS: Final = 32
_CLAIMS: Final = frozenset(
    {"iss", "aud", "sub", "client_id", "iat", "nbf", "exp", "jti", "authorization_details"}
)
#: Members that a token has only where they say something.
_FURTHER: Final = frozenset({"cnf", "scope"})
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_DETAIL: Final = frozenset(
    {
        "type", "version", "license", "licensee", "locations", "excluded", "renditions", "privileges", "territory",
        "crawlers", "budget", "price", "terms", "policy", "offer",
    }
)  # fmt: skip
#: What a newer version has besides.
_NEWER: Final[Mapping[int, frozenset[str]]] = {
    _WINDOWED: frozenset({"window_hours"}),
    _AGED: frozenset({"window_hours", "by_age"}),
    _BUNDLED: frozenset({"window_hours", "by_age", "bundle"}),
}
_LONGEST: Final = 256


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be spent under one license; None is unlimited."""

    micros: int | None = None
    fetches: int | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """A token's content in our own types. Times are whole seconds since the epoch.

    *key* is the thumbprint (RFC 7638) of the key that whoever shows the token
    must prove, "" for none. *scoped* says that ``scope`` stands in it too. *bundle* is
    the hash of a manifest, whose items stand in place of *scopes*, "" for none.
    """

    issuer: str
    audience: str
    client: str
    token_id: str
    issued_at: int
    not_before: int
    expires_at: int
    license: str
    licensee: str
    scopes: tuple[PathScope, ...]
    renditions: tuple[str, ...]
    uses: Uses
    territory: Territory
    crawlers: frozenset[str]
    budget: Budget
    price: Money
    terms: str
    policy: str
    excluded: tuple[PathScope, ...] = ()
    offer: str = ""
    window_hours: int = WINDOW_HOURS
    key: str = ""
    scoped: bool = False
    bundle: str = ""
    by_age: tuple[AgeStep, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The JWT claims set."""
        further: dict[str, object] = {"cnf": {"jkt": self.key}} if self.key else {}
        if self.scoped:
            further["scope"] = " ".join(sorted(self.uses))
        return {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": self.client,
            "client_id": self.client,
            "jti": self.token_id,
            "iat": self.issued_at,
            "nbf": self.not_before,
            "exp": self.expires_at,
            "authorization_details": [self.detail()],
            **further,
        }

    def detail(self) -> dict[str, object]:
        """The one ``content_license`` object, as granted."""
        told: dict[str, object] = {}
        if self.bundle or self.by_age or self.window_hours != WINDOW_HOURS:
            told["window_hours"] = self.window_hours
        if self.bundle or self.by_age:
            steps = [{"from_days": each.from_days, "micros": each.per_fetch.micros} for each in self.by_age]
            told["by_age"] = steps
        version = _AGED if self.by_age else _WINDOWED if told else DETAIL_VERSION
        if self.bundle:
            version, told["bundle"] = _BUNDLED, self.bundle
        return {
            "type": DETAIL_TYPE,
            "version": version,
            **told,
            "license": self.license,
            "licensee": self.licensee,
            "locations": [scope.pattern for scope in self.scopes],
            "excluded": [scope.pattern for scope in self.excluded],
            "renditions": list(self.renditions),
            "privileges": sorted(self.uses),
            "territory": self.territory.as_json(),
            "crawlers": sorted(self.crawlers),
            "budget": {"micros": self.budget.micros, "fetches": self.budget.fetches},
            "price": {"micros": self.price.micros, "currency": self.price.currency, "per": "fetch"},
            "terms": self.terms,
            "policy": self.policy,
            "offer": self.offer,
        }


class _Unreadable(Exception):
    """A member of the token is not what the profile says."""


def is_thumbprint(text: str) -> bool:
    """Whether *text* is a SHA-256 in canonical base64url, as a thumbprint is."""
    return _THUMBPRINT.fullmatch(text) is not None


def read_claims(payload: Mapping[str, object]) -> Claims | Refusal:
    """Read a JWT claims set strictly, or refuse it as `TOKEN_INVALID`.

    Nothing is guessed: a member missing, unknown or of another type refuses
    the whole token. Raises nothing on any mapping. The signature, the audience
    and the times are judged elsewhere.
    """
    try:
        return _read(payload)
    except (_Unreadable, MoneyError, ValueError) as error:
        return Refusal(
            Problem.TOKEN_INVALID,
            Phrase("The token's content is not what this desk writes."),
            private=str(error),
        )


def _read(payload: Mapping[str, object]) -> Claims:
    _exactly(payload, _CLAIMS | (_FURTHER & payload.keys()), "claims")
    details = payload["authorization_details"]
    if not isinstance(details, list) or len(details) != 1 or not isinstance(details[0], dict):
        raise _Unreadable("authorization_details is not one object")
    detail: Mapping[str, object] = details[0]
    version = detail.get("version")
    further = _NEWER.get(version, frozenset()) if type(version) is int else frozenset[str]()
    _exactly(detail, _DETAIL | further, "authorization_details")
    if detail["type"] != DETAIL_TYPE or not (further or version is DETAIL_VERSION):
        raise _Unreadable("unknown type or version of authorization_details")
    if payload["sub"] != payload["client_id"]:
        raise _Unreadable("sub and client_id differ")
    uses = _uses(detail)
    if payload.get("scope", said := " ".join(sorted(uses))) != said:
        raise _Unreadable("scope and privileges differ")
    return Claims(
        issuer=_text(payload, "iss"),
        audience=_text(payload, "aud"),
        client=_text(payload, "client_id"),
        token_id=_text(payload, "jti"),
        issued_at=_whole(payload, "iat"),
        not_before=_whole(payload, "nbf"),
        expires_at=_whole(payload, "exp"),
        license=_text(detail, "license"),
        licensee=_text(detail, "licensee"),
        scopes=_scopes(detail),
        excluded=tuple(PathScope(item) for item in _texts(detail, "excluded", least=0)),
        renditions=_texts(detail, "renditions"),
        uses=uses,
        territory=_territory(detail),
        crawlers=frozenset(_texts(detail, "crawlers", least=0)),
        budget=_budget(detail),
        price=_price(detail),
        terms=_text(detail, "terms"),
        policy=_text(detail, "policy"),
        offer=_text(detail, "offer", least=0),
        window_hours=_window(detail) if further else WINDOW_HOURS,
        by_age=_by_age(detail) if "by_age" in further else (),
        key=_key(payload["cnf"]) if "cnf" in payload else "",
        scoped="scope" in payload,
        bundle=_bundle(detail),
    )


def _exactly(found: Mapping[str, object], wanted: frozenset[str], where: str) -> None:
    if found.keys() != wanted:
        odd = sorted(map(str, found.keys() ^ wanted))
        raise _Unreadable(f"{where}: missing or unknown members {odd[:5]}")


def _text(found: Mapping[str, object], name: str, *, least: int = 1) -> str:
    value = found[name]
    if not isinstance(value, str) or not least <= len(value) <= _LONGEST:
        raise _Unreadable(f"{name} is not a text")
    return value


def _whole(found: Mapping[str, object], name: str) -> int:
    value = found[name]
    if type(value) is not int or not 0 <= value <= LARGEST_MICROS:
        raise _Unreadable(f"{name} is not a whole number")
    return value


def _key(found: object) -> str:
    if not isinstance(found, dict):
        raise _Unreadable("cnf is not an object")
    _exactly(found, frozenset({"jkt"}), "cnf")
    if not isinstance(found["jkt"], str) or not is_thumbprint(found["jkt"]):
        raise _Unreadable("jkt is not a thumbprint")
    return found["jkt"]


def _texts(found: Mapping[str, object], name: str, *, least: int = 1) -> tuple[str, ...]:
    value = found[name]
    if not isinstance(value, list) or not least <= len(value) <= _LONGEST:
        raise _Unreadable(f"{name} is not a list")
    for item in value:
        if not isinstance(item, str) or not 1 <= len(item) <= _LONGEST:
            raise _Unreadable(f"{name} is not a list of texts")
    return tuple(value)


def _window(detail: Mapping[str, object]) -> int:
    hours, plain = _whole(detail, "window_hours"), detail.keys().isdisjoint({"by_age", "bundle"})
    if (hours == WINDOW_HOURS and plain) or not 1 <= hours <= LONGEST_WINDOW_HOURS:
        raise _Unreadable("window_hours is not a window of its own")
    return hours


def _scopes(detail: Mapping[str, object]) -> tuple[PathScope, ...]:
    found = _texts(detail, "locations", least=0 if "bundle" in detail else 1)
    if found and "bundle" in detail:
        raise _Unreadable("locations stand beside a bundle")
    return tuple(PathScope(item) for item in found)


def _bundle(detail: Mapping[str, object]) -> str:
    if "bundle" not in detail:
        return ""
    found = detail["bundle"]
    if not isinstance(found, str) or not _MANIFEST.fullmatch(found):
        raise _Unreadable("bundle is no hash of a manifest")
    return found


def _by_age(detail: Mapping[str, object]) -> tuple[AgeStep, ...]:
    price, found = _price(detail), detail["by_age"]
    least = 0 if "bundle" in detail else 1
    if not isinstance(found, list) or not least <= len(found) <= _STEPS:
        raise _Unreadable("by_age is not a list")
    steps = []
    for each in found:
        if not isinstance(each, dict):
            raise _Unreadable("a step by age is not an object")
        _exactly(each, frozenset({"from_days", "micros"}), "by_age")
        steps.append(AgeStep(_whole(each, "from_days"), Money(_whole(each, "micros"), price.currency)))
    check_steps(price, tuple(steps))
    return tuple(steps)


def _uses(detail: Mapping[str, object]) -> Uses:
    uses = [parse_use(item) for item in _texts(detail, "privileges")]
    if None in uses:
        raise _Unreadable("unknown use")
    return frozenset(use for use in uses if use is not None)


def _territory(detail: Mapping[str, object]) -> Territory:
    if detail["territory"] is None:
        return Territory(None)
    regions = _texts(detail, "territory")
    if not all(
        len(region) == 2 and region.isascii() and region.isalpha() and region.isupper() for region in regions
    ):
        raise _Unreadable("territory is not a list of regions")
    return Territory(frozenset(regions))


def _budget(detail: Mapping[str, object]) -> Budget:
    found = detail["budget"]
    if not isinstance(found, dict):
        raise _Unreadable("budget is not an object")
    _exactly(found, frozenset({"micros", "fetches"}), "budget")
    return Budget(
        micros=None if found["micros"] is None else _whole(found, "micros"),
        fetches=None if found["fetches"] is None else _whole(found, "fetches"),
    )


def _price(detail: Mapping[str, object]) -> Money:
    found = detail["price"]
    if not isinstance(found, dict):
        raise _Unreadable("price is not an object")
    _exactly(found, frozenset({"micros", "currency", "per"}), "price")
    if found["per"] != "fetch":
        raise _Unreadable("unknown unit of price")
    return Money(_whole(found, "micros"), _text(found, "currency"))
