"""What the dashboard's optional parts work on, out of an open office."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.app.administering import admin_log_of
from gateway.app.bundle_credits import bundles_of
from gateway.app.dealing import deals_of
from gateway.app.setting_up import with_first_run
from gateway.app.worth import worth_of
from gateway.dashboard.holder_pages import Holders
from gateway.dashboard.rooms import Rooms
from gateway.store.sqlite.auditors import SqliteAuditors
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.saved_views import SqliteSavedViews
from gateway.store.sqlite.spend_book import SqliteSpendBook

if TYPE_CHECKING:
    from gateway.app.office import Office


def rooms_of(office: Office, pages: Database, wake: Callable[[], None]) -> Rooms:
    """The rooms of *office*; *pages* is the database for long reads, *wake* asks the keeper to fold."""
    config, files = office.config, office.policy_files
    rooms = Rooms(
        deals=deals_of(office.database, office.register, office.shelf),
        milestones=office.bookkeeping.shown(office.register),
        holders=Holders(office.register, office.lives, office.accounts, SqliteSpendBook(pages)),
        duties=office.duty_book,
        audits=office.audits,
        auditors=SqliteAuditors(office.database),
        bills=office.billing.pages(),
        bundles=bundles_of(pages, office.register, lambda: (office.shelf.policies, office.withdrawn)),
        policies=files,
        consents=office.consenting.pages(lambda: office.shelf.policies),
        worth=worth_of(pages, office.shelf, config.figures),
        people=office.persons.pages(),
        views=SqliteSavedViews(office.database),
        admin=admin_log_of(pages, office.journal, wake),
    )
    return with_first_run(rooms, config, files, office.access_log, office.register, office.post)
