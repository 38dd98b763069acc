"""What the pages on worth work on, put together: the stores, the guide of each policy, and the creator's figures."""

from __future__ import annotations

from pathlib import Path

from gateway.dashboard.figure_shelf import FigureShelf
from gateway.dashboard.worth_pages import Worth
from gateway.licenses.pricing_guide import SHIPPED, Guide
from gateway.policy.reading import read_guide
from gateway.policy.reload import PolicyShelf
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.terms_versions import SqliteTermsVersions
from gateway.store.sqlite.traffic import SqliteTraffic
from gateway.visitors.catalog import Catalog

#: Versions of the terms that a dossier looks through.
_MOST = 1000


def worth_of(database: Database, shelf: PolicyShelf, figures: Path) -> Worth:
    """What is in *database*, by what *shelf* has in force at the moment; figures lie in *figures*."""
    versions = SqliteTermsVersions(database)

    async def history(site: str) -> list[tuple[str, int]]:
        return [(each.name, each.at) for each in await versions.history(site, _MOST)]

    return Worth(
        SqliteTraffic(database),
        FigureShelf(figures),
        lambda: shelf.policies,
        guide_of,
        history,
        Catalog.shipped(),
    )


def guide_of(policy: Policy) -> Guide:
    """The ranges that *policy* prices by: those of its file, or the shipped ones where there is none any more."""
    file = Path(policy.file)
    try:
        return read_guide(file) if file.suffix == ".toml" and file.is_file() else SHIPPED
    except ConfigurationError:
        # What is in force stays in force while its file is being edited; so do the ranges that are shipped.
        return SHIPPED
