"""What negotiations work on, put together: for the desk and for the operator's inbox, on the same stores."""

from __future__ import annotations

from collections.abc import Callable

from gateway.dashboard.deals import Deals
from gateway.desk.bargains import Bargaining
from gateway.desk.contracts import shipped_clauses
from gateway.desk.in_person import InPerson, Verifying
from gateway.licenses.contract import Party
from gateway.licenses.deciding import Deciding
from gateway.licenses.lives import Lives
from gateway.licenses.position import Position
from gateway.licenses.register import LicenseRegister
from gateway.policy.reload import PolicyShelf
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.negotiations import SqliteNegotiations
from gateway.store.sqlite.private_links import SqlitePrivateLinks
from gateway.store.sqlite.unfinished import SqliteUnfinished
from gateway.terms.license_terms import Offer


def bargaining_of(
    database: Database,
    position: Callable[[str, Offer], Position],
    lives: Lives,
    verifying: Verifying | None,
) -> Bargaining:
    """What the desk negotiates with, for programs and for people, whose mailboxes *verifying* proves."""
    links = InPerson(SqlitePrivateLinks(database), verifying)
    unfinished = SqliteUnfinished(database)
    return Bargaining(SqliteNegotiations(database), position, shipped_clauses(), lives, links, unfinished)


def deals_of(database: Database, register: LicenseRegister, shelf: PolicyShelf) -> Deals:
    """The negotiations in *database*, judged by what *shelf* has in force at the moment."""
    negotiations = SqliteNegotiations(database)
    return Deals(
        negotiations,
        register,
        Deciding(negotiations, register),
        shelf.position,
        lambda site: creator_of(shelf, site),
        SqlitePrivateLinks(database),
    )


def creator_of(shelf: PolicyShelf, site: str) -> Party:
    """Who the creator of *site* is in a contract, as far as its policy says; nobody for a site that is gone."""
    policy = shelf.of_site(site)
    if policy is None:
        return Party()
    named = policy.signing.creator
    return named if named.name else Party(name=policy.site.name)
