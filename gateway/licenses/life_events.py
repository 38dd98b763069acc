"""What is told of a license: issued, renewed, amended, ending, expired, revoked. Pure.

====================== =======================================================
type                   told when
====================== =======================================================
``license.issued``     it was made, where it was negotiated or something was due
``license.renewed``    another term was agreed
``license.amended``    other terms hold from now on; older tokens open nothing
``license.expiring``   it ends in 30 days, or half of a short term is over
``license.expired``    it ended and nothing follows: all rights reverted
``license.revoked``    it is over before its end
====================== =======================================================

Suspension and its end are told by `licenses.suspension`. Each is told once.
"""

from __future__ import annotations

from typing import Final

from gateway.event import Event, event
from gateway.licenses.license import License
from gateway.licenses.pricing import due_at_signing

#: Every type that there is, besides those of `licenses.suspension`.
TYPES: Final = (
    "license.issued", "license.renewed", "license.amended", "license.expiring", "license.expired", "license.revoked",
)  # fmt: skip


def issued(license: License, at: int) -> tuple[Event, ...]:
    """*license* was made at *at*; nothing for one that was bought as published and costs but what is fetched.

    Those are many, and whoever buys one has it in hand with its token.
    """
    if license.offer and not due_at_signing(license.terms):
        return ()
    return (_told("issued", license, at, terms_hash=license.terms.hash),)


def followed(last: License, new: License, at: int) -> Event:
    """*new* was agreed on at *at* and follows *last*."""
    return _told(
        "renewed" if new.starts_at >= last.ends_at else "amended", new, at, terms_hash=new.terms.hash
    )


def expiring(license: License, at: int) -> Event:
    """*license* ends soon, seen at *at*."""
    return _told("expiring", license, at)


def expired(license: License, at: int) -> Event:
    """*license* ended and nothing follows, seen at *at*."""
    return _told("expired", license, at)


def revoked(license: License, at: int) -> Event:
    """*license* was revoked at *at*."""
    return _told("revoked", license, at)


def _told(word: str, license: License, at: int, **more: object) -> Event:
    return event(
        f"license.{word}",
        at=at,
        site=license.site,
        subject=license.id,
        licensee=license.licensee,
        nth=str(license.version),
        body={
            "license": license.id,
            "version": license.version,
            "starts_at": license.starts_at,
            "ends_at": license.ends_at,
            **more,
            "path": f"/.licet/licenses/{license.id}",
        },
    )
