"""ODRL 2.2 (W3C Recommendations, 2018-02-15): an offer, and the agreement made of it, written and read as JSON-LD.

An offer is one permission on what `PublishedTerms` sells under it, with all
eight levers: those that ODRL has words for in its words, the rest in our
profile (`terms.odrl_words`, `terms.odrl_duties`). ``conflict`` is ``prohibit``.

- *scope* is an asset collection: ``licet:path`` is any of the patterns granted
  and none of those that are not, and the narrowest pattern decides (a reader
  that lets every exclusion win grants less);
- several *actions* in one permission are its compact form (Information Model,
  2.7); each part of the price is owed once for its unit of count, not by action;
- *rights besides the uses* are permitted or prohibited by name; other uses are
  not prohibited, because something else may grant them;
- *when it is paid*, and what of the upfront part waits for milestones, stands beside the permission
  (`terms.odrl_paying`); a reader that does not know it pays all of it before any use;
- *an agreement* is the same with an assignee, dates and ``dct:source``.

What it cannot say: uses that are free for everybody (they are in license.xml)
and crawlers that are refused by name (robots.txt). ``dct:identifier`` is the
hash of the terms whole, as the desk sells them; where rules close a part of
them, less is offered here. Numbers stand as text: no reader makes floats of them.

Reading knows documents of our profile alone, and grants nothing where it meets
a duty, a constraint or an amount that it does not understand. Pure; raises
nothing on any input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import (
    Exclusivity,
    Liability,
    LicenseTerms,
    Offer,
    PublishedTerms,
    Scope,
    Term,
)
from gateway.terms.odrl_duties import OdrlError, OdrlUnread, duties, listed, read_duties
from gateway.terms.odrl_paying import paying, read_paying
from gateway.terms.odrl_permission import (
    actions_of,
    moment,
    read_limits,
    read_purpose,
    read_scope,
    target_of,
    where,
)
from gateway.terms.odrl_words import (
    MEDIA_TYPE,
    ODRL_CONTEXT,
    OUR_CONTEXT,
    PROFILE,
    constraint,
    party,
    short,
    typed,
)
from gateway.terms.payment_required import plain

__all__ = [
    "MEDIA_TYPE",
    "OdrlError",
    "OdrlPolicy",
    "odrl_agreement",
    "odrl_offer",
    "offer_url",
    "offered",
    "offered_scope",
    "read_policy",
]


@dataclass(frozen=True)
class OdrlPolicy:
    """An offer or agreement as read. *terms* are all of it that binds; *hash* is the terms hash that it names.

    *starts_at* and *ends_at* (whole seconds) and *assignee* are an agreement's; *max_fetches* is 0 for no limit.
    """

    kind: str
    uid: str
    assigner: str
    terms: LicenseTerms
    hash: str
    max_fetches: int = 0
    assignee: str = ""
    source: str = ""
    starts_at: int = 0
    ends_at: int = 0


# Writing


def offer_url(terms: PublishedTerms, offer: Offer) -> str:
    """Where the document of *offer* is."""
    return f"{terms.desk_url}/offers/{offer.id}.jsonld"


def offered(terms: PublishedTerms) -> tuple[Offer, ...]:
    """Every offer that *terms* publish somewhere, each once."""
    found = dict.fromkeys(offer for scope in terms.scopes for offer in scope.offers)
    return (*found, *terms.bundles)


def offered_scope(terms: PublishedTerms, offer: Offer) -> Scope:
    """What of *offer* is published: the scopes that list it, less those inside that do not."""
    if offer in terms.bundles:
        return replace(offer.terms.scope, bundle=None)
    sold = [path for scope in terms.scopes if offer in scope.offers for path in scope.paths]
    closed = [path for scope in terms.scopes if offer not in scope.offers for path in scope.paths]
    inside = tuple(path for path in closed if any(_may_cut(path, each) for each in sold))
    whole = offer.terms.scope
    return Scope(whole.works, tuple(sold), whole.renditions, inside)


def _may_cut(path: PathScope, sold: PathScope) -> bool:
    """Whether narrower *path* may hold something of *sold*; where stars leave it open it may."""
    return path.within(sold) or ("*" in path.pattern + sold.pattern and path.precision > sold.precision)


def odrl_offer(terms: PublishedTerms, offer: Offer) -> dict[str, object]:
    """The offer as JSON-LD; grants nothing that *terms* do not publish."""
    url = offer_url(terms, offer)
    document = _policy("Offer", url, offer.terms, offered_scope(terms, offer), terms)
    if offer.max_fetches:
        count = constraint("count", "lteq", typed(str(offer.max_fetches), "integer"))
        _limits(document).append(count)
    return {**document, "licet:policy": terms.digest}


def odrl_agreement(
    terms: PublishedTerms,
    agreed: LicenseTerms,
    license_id: str,
    *,
    offer: str,
    licensee: str,
    licensee_name: str,
    issued_at: int,
    starts_at: int,
    ends_at: int,
) -> dict[str, object]:
    """The agreement that license *license_id* is; its scope is what was agreed, whatever is published.

    *offer* is the id of the offer accepted, or "" for a negotiated deal; times are whole seconds.
    """
    document = _policy("Agreement", f"{terms.desk_url}/licenses/{license_id}", agreed, agreed.scope, terms)
    _limits(document).extend(
        [
            constraint("dateTime", "gteq", moment(starts_at)),
            constraint("dateTime", "lt", moment(ends_at)),
        ]
    )
    source = {"dct:source": {"@id": f"{terms.desk_url}/offers/{offer}.jsonld"}} if offer else {}
    return {
        **document,
        "assignee": {"uid": f"{terms.desk_url}/licensees/{licensee}", "vcard:fn": plain(licensee_name)},
        "dct:issued": moment(issued_at),
        **source,
    }


def _limits(document: Mapping[str, object]) -> list[object]:
    permission = listed(document["permission"])[0]
    assert isinstance(permission, dict)
    return listed(permission["constraint"])


def _policy(
    kind: str, url: str, agreed: LicenseTerms, scope: Scope, terms: PublishedTerms
) -> dict[str, object]:
    creator = party(terms.origin, terms.name, terms.contact, terms.desk_url)
    target = target_of(terms.origin, scope)
    granted, withheld = actions_of(agreed.purpose)
    permission = {
        "target": target,
        "action": granted,
        "constraint": [
            constraint("elapsedTime", "lteq", typed(f"P{agreed.term.months}M", "duration")),
            *where(agreed.territory),
        ],
        "duty": duties(agreed),
    }
    document: dict[str, object] = {
        "@context": [ODRL_CONTEXT, OUR_CONTEXT],
        "@type": kind,
        "uid": url,
        "profile": PROFILE,
        "conflict": "prohibit",
        "assigner": creator,
        "dct:identifier": agreed.hash,
        "permission": [permission],
        "licet:renewal": agreed.term.renewal,
        "licet:window-hours": agreed.compensation.window_hours,
        "licet:currency": agreed.compensation.currency,
        "licet:liability": _liability(agreed.liability),
        **paying(agreed.compensation),
    }
    if withheld:
        document["prohibition"] = [{"target": target, "action": withheld}]
    if agreed.exclusivity.exclusive:
        document["obligation"] = [{"action": "ensureExclusivity", "assignee": creator["uid"]}]
    return document


def _liability(said: Liability) -> dict[str, object]:
    cap = said.cap
    return {
        "licet:indemnity": said.indemnity,
        **(
            {"licet:cap": typed(cap.amount, "decimal"), "licet:cap-currency": cap.currency}
            if cap is not None
            else {}
        ),
        "licet:warranty": [plain(each) for each in said.warranties],
        "licet:insurance": said.insurance,
        "licet:security-standard": plain(said.security_standard),
    }


# Reading


def read_policy(document: object) -> OdrlPolicy | OdrlError:
    """Read an offer or agreement of our profile from parsed JSON; lenient about form, never about meaning."""
    try:
        return _read(document)
    except (ValueError, TypeError, AttributeError, ArithmeticError, OdrlUnread) as error:
        return OdrlError(str(error)[:200] or "it cannot be read")


def _read(document: object) -> OdrlPolicy:
    if not isinstance(document, dict):
        raise OdrlUnread("it is no JSON object")
    kind = short(document.get("@type", document.get("type")))
    if kind not in {"Offer", "Agreement"}:
        raise OdrlUnread("it is neither an offer nor an agreement")
    if [short(each) for each in listed(document.get("profile"))] != [PROFILE]:
        raise OdrlUnread("its profile is not ours, and one that is not known ends the reading")
    if short(document.get("conflict")) != "prohibit":
        raise OdrlUnread("it does not say that a prohibition wins")
    permissions = listed(document.get("permission"))
    if len(permissions) != 1 or not isinstance(permissions[0], dict):
        raise OdrlUnread("it has not one permission")
    permission = permissions[0]
    owed = read_duties(permission.get("duty"))
    if isinstance(owed, OdrlError):
        raise OdrlUnread(owed.why)
    price = replace(owed.compensation, window_hours=_window(document.get("licet:window-hours")))
    if not price.parts():
        price = replace(price, currency=_text(document, "licet:currency"))
    price = replace(price, **read_paying(document))
    limits = read_limits(permission.get("constraint"))
    terms = LicenseTerms(
        scope=read_scope(permission.get("target")),
        purpose=read_purpose(permission, document.get("prohibition")),
        compensation=price,
        exclusivity=Exclusivity(_exclusive(document.get("obligation"))),
        attribution=owed.attribution,
        audit=owed.audit,
        retention=owed.retention,
        liability=_read_liability(document.get("licet:liability")),
        term=Term(limits.months, document.get("licet:renewal") is True),
        territory=limits.territory,
    )
    return OdrlPolicy(
        kind=kind,
        uid=_reference(document, "uid"),
        assigner=_reference(document, "assigner"),
        terms=terms,
        hash=_text(document, "dct:identifier"),
        max_fetches=limits.count,
        assignee=_reference(document, "assignee"),
        source=_reference(document, "dct:source"),
        starts_at=limits.starts_at,
        ends_at=limits.ends_at,
    )


def _window(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise OdrlUnread("it does not say how long a unit stays paid for")
    return value


def _text(table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    if isinstance(value, dict):
        value = value.get("@value", "")
    return value if isinstance(value, str) else ""


def _reference(table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    for _ in range(2):  # a party's uid may be a reference of its own
        value = value.get("uid", value.get("@id", "")) if isinstance(value, dict) else value
    return value if isinstance(value, str) else ""


def _exclusive(obligations: object) -> bool:
    """Whether the creator owes exclusivity; an obligation that we do not know is one we cannot meet."""
    found = [short(each.get("action")) if isinstance(each, dict) else "" for each in listed(obligations)]
    if not {*found} <= {"ensureExclusivity"}:
        raise OdrlUnread("it asks for something we do not know")
    return bool(found)


def _read_liability(value: object) -> Liability:
    if not isinstance(value, dict):
        raise OdrlUnread("it does not say who answers for what")
    cap = _text(value, "licet:cap")
    return Liability(
        indemnity=_text(value, "licet:indemnity"),
        cap=Money.parse(cap, _text(value, "licet:cap-currency")) if cap else None,
        warranties=tuple(each for each in listed(value.get("licet:warranty")) if isinstance(each, str)),
        insurance=value.get("licet:insurance") is True,
        security_standard=_text(value, "licet:security-standard"),
    )
