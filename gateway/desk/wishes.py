"""What an OAuth caller wants, read into `Wanted`: resource, scope and authorization_details. Pure.

``resource`` (RFC 8707, February 2020) says what the license must cover: a URL
or path of this site, or the site itself. It narrows nothing, because a crawler
names the page it met and means to fetch others too; ``locations`` narrow.

``authorization_details`` (RFC 9396, May 2023) is one object of type
``content_license``. Unknown members and values refuse the whole request:

=============== ==========================================================
``type``        ``content_license``
``version``     1, or absent
``offer``       id of an offer
``terms``       terms hash; refuses if the offer has other terms by now
``license``     id of a license already held, to have a token of it
``locations``   URLs or paths of this site, whole segments
``renditions``  forms of the works
``privileges``  uses
``territory``   countries and ``EU``; null is worldwide
``crawlers``    names of the agents it is bought for
``budget``      ``{"micros": int | null, "fetches": int | null}``
``party``       who the licensee is, for a deal that needs a document
=============== ==========================================================

``scope`` is another way to say ``privileges``; where both stand they say the same.

In RSL's OLP the license element says what is wanted, and nobody could say who
signs. There ``authorization_details`` may stand beside it, with a ``party`` and
nothing else of these (`read_signer`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from gateway.desk.agreeing import read_party
from gateway.keys.strict_json import Malformed, read_object
from gateway.licenses.offers import Wanted
from gateway.money import LARGEST_MICROS
from gateway.paths import Ambiguous, PathScope, canonical
from gateway.problems import Problem, Refusal
from gateway.terms import countries
from gateway.terms.license_terms import Territory
from gateway.tokens.claims import DETAIL_TYPE, DETAIL_VERSION, Budget
from gateway.uses import Uses, parse_use

_MEMBERS: Final = frozenset(
    {
        "type", "version", "offer", "terms", "license", "locations", "renditions", "privileges", "territory",
        "crawlers", "budget", "party",
    }
)  # fmt: skip
_MOST: Final = 64
_LONGEST: Final = 256
_LONGEST_URL: Final = 2048
_SITE: Final = PathScope("/")


class _Unwanted(Exception):
    """A member is not what the type says; the clause says how, and quotes nothing. *member* names it where it is one inside."""

    def __init__(self, clause: str, member: str = "") -> None:
        super().__init__(clause)
        self.member = member

    def refusal(self) -> Refusal:
        """It as what is told."""
        facts = (("member", self.member),) if self.member else ()
        return Refusal(Problem.DETAILS_INVALID, f"Of what was asked for, {self}.", facts=facts)


def read_wish(resources: tuple[str, ...], scope: str, details: str, origin: str) -> Wanted | Refusal:
    """Read the three parameters of one token request; "" is absent.

    Refuses with `TARGET_INVALID`, `SCOPE_INVALID` or `DETAILS_INVALID`; raises nothing on any text.
    """
    targets = read_targets(resources, origin)
    if isinstance(targets, Refusal):
        return targets
    try:
        wanted = _details(details, origin) if details else Wanted()
        if scope:
            uses = _scope(scope)
            if uses is None:
                return Refusal(Problem.SCOPE_INVALID, "The scope is not a list of uses that are known here.")
            if wanted.uses not in {None, uses}:
                raise _Unwanted("scope and privileges say different things")
            wanted = replace(wanted, uses=uses)
    except _Unwanted as error:
        return error.refusal()
    return replace(wanted, targets=targets)


def read_signer(details: str) -> tuple[tuple[str, str], ...] | Refusal:
    """The ``party`` in *details* that stand beside a license element of OLP; "" is absent, and names nobody.

    Refuses with `DETAILS_INVALID` what is malformed, by the member's name, and every member that
    would say something of what is bought: the element says that.
    """
    if not details:
        return ()
    try:
        detail = _detail(details)
        if odd := sorted(detail.keys() - {"type", "version", "party"}):
            raise _Unwanted(
                f"{odd[0]} is said by the license element; only party may stand beside it", odd[0]
            )
        return _party(detail)
    except _Unwanted as error:
        return error.refusal()


def read_targets(resources: tuple[str, ...], origin: str) -> tuple[PathScope, ...] | Refusal:
    """The places named by *resources*, without the site as a whole, which demands nothing."""
    if len(resources) > _MOST:
        return Refusal(Problem.TARGET_INVALID, f"At most {_MOST} resources can be named at once.")
    found: list[PathScope] = []
    for text in resources:
        place = read_place(text, origin)
        if place is None:
            return Refusal(
                Problem.TARGET_INVALID, f"A resource is a URL or path of {origin}, in its plain form."
            )
        if place != _SITE:
            found.append(place)
    return tuple(found)


def read_place(text: str, origin: str) -> PathScope | None:
    """The scope that a URL of *origin*, or a path, names; None where it names none.

    A query is left aside, a fragment refused (RFC 8707, section 2).
    """
    if len(text) > _LONGEST_URL or not text.isprintable() or "#" in text:
        return None
    if not text.startswith("/"):
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return None
        place = f"{parts.scheme}://[{host}]" if ":" in host else f"{parts.scheme}://{host}"
        if port is not None and port != {"http": 80, "https": 443}.get(parts.scheme):
            place += f":{port}"
        if place != origin or parts.username is not None:
            return None
        text = parts.path or "/"
    path = canonical(text.partition("?")[0])
    if isinstance(path, Ambiguous) or len(path) > _LONGEST:
        return None
    return PathScope(path)


def _detail(text: str) -> Mapping[str, object]:
    """The one object of the list."""
    try:
        # One reader for everything that is believed; it reads objects, and the parameter is a list.
        wrapped = read_object(b'{"details":' + text.encode("utf-8", "surrogatepass") + b"}")
    except Malformed as error:
        raise _Unwanted(f"authorization_details is not a JSON list: {error}") from None
    listed = wrapped.get("details")
    if (
        len(wrapped) != 1
        or not isinstance(listed, list)
        or len(listed) != 1
        or not isinstance(listed[0], dict)
    ):
        raise _Unwanted("authorization_details is not a list of one object")
    detail: Mapping[str, object] = listed[0]
    if detail.get("type") != DETAIL_TYPE:
        raise _Unwanted(f"the type is not {DETAIL_TYPE}")
    if not detail.keys() <= _MEMBERS:
        raise _Unwanted(f"a member is unknown; known are {', '.join(sorted(_MEMBERS))}")
    version = detail.get("version", DETAIL_VERSION)
    if type(version) is not int or version != DETAIL_VERSION:
        raise _Unwanted(f"the version is not {DETAIL_VERSION}")
    return detail


def _details(text: str, origin: str) -> Wanted:
    detail = _detail(text)
    return Wanted(
        scopes=_locations(detail, origin),
        uses=_uses(_texts(detail, "privileges")) if "privileges" in detail else None,
        territory=_territory(detail),
        renditions=tuple(dict.fromkeys(_texts(detail, "renditions"))) if "renditions" in detail else None,
        crawlers=frozenset(name.lower() for name in _texts(detail, "crawlers"))
        if "crawlers" in detail
        else frozenset(),
        budget=_budget(detail),
        offer=_text(detail, "offer"),
        terms=_text(detail, "terms"),
        license=_text(detail, "license"),
        party=_party(detail),
    )


def _party(detail: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    found = read_party(detail.get("party", {}))
    if isinstance(found, Refusal):
        member = dict(found.facts)["member"]
        raise _Unwanted(found.detail.removeprefix("Of the message, ").rstrip("."), str(member))
    return tuple(sorted(found.items()))


def _text(detail: Mapping[str, object], name: str) -> str:
    value = detail.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST or (name in detail and not value):
        raise _Unwanted(f"{name} is not a text of at most {_LONGEST} characters")
    return value


def _texts(detail: Mapping[str, object], name: str) -> list[str]:
    value = detail[name]
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST:
        raise _Unwanted(f"{name} is not a list of 1 to {_MOST} texts")
    if not all(
        isinstance(item, str) and 1 <= len(item) <= _LONGEST_URL and item.isprintable() for item in value
    ):
        raise _Unwanted(f"{name} does not hold printable texts alone")
    if name != "locations" and any(len(item) > _LONGEST for item in value):
        raise _Unwanted(f"{name} holds a text of more than {_LONGEST} characters")
    return value


def _locations(detail: Mapping[str, object], origin: str) -> tuple[PathScope, ...] | None:
    if "locations" not in detail:
        return None
    # A scope knows no queries, and leaving one aside would cover more than was asked for.
    places = [None if "?" in text else read_place(text, origin) for text in _texts(detail, "locations")]
    if None in places:
        raise _Unwanted(f"a location is not a URL or path of {origin} in its plain form")
    return tuple(place for place in places if place is not None)


def _scope(text: str) -> Uses | None:
    # RFC 6749, section 3.3: tokens of printable ASCII with one space between each two.
    found = [parse_use(name) for name in text.split(" ")]
    return None if None in found else frozenset(use for use in found if use is not None)


def _uses(names: list[str]) -> Uses:
    found = [parse_use(name) for name in names]
    if not found or None in found:
        raise _Unwanted("a use is unknown")
    return frozenset(use for use in found if use is not None)


def _territory(detail: Mapping[str, object]) -> Territory | None:
    if "territory" not in detail:
        return None
    if detail["territory"] is None:
        return Territory(None)
    regions = _texts(detail, "territory")
    if any(countries.region(text) != text for text in regions):
        raise _Unwanted("the territory holds something that is neither a country code nor EU")
    return Territory(frozenset(regions))


def _budget(detail: Mapping[str, object]) -> Budget:
    value = detail.get("budget", {})
    if not isinstance(value, dict) or not value.keys() <= {"micros", "fetches"}:
        raise _Unwanted("the budget holds something besides micros and fetches")
    for part in value.values():
        if part is not None and (type(part) is not int or not 0 <= part <= LARGEST_MICROS):
            raise _Unwanted("a budget is a whole number, or null")
    return Budget(value.get("micros"), value.get("fetches"))
