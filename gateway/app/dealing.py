"""What the operator's inbox works on, put together: the stores, the positions, and who the creator is."""

from __future__ import annotations

from gateway.dashboard.deals import Deals
from gateway.licenses.contract import Party
from gateway.licenses.deciding import Deciding
from gateway.licenses.register import LicenseRegister
from gateway.policy.reload import PolicyShelf
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.negotiations import SqliteNegotiations
from gateway.store.sqlite.private_links import SqlitePrivateLinks


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
