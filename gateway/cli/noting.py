"""Every command that changes something leaves a note in the journal, as the pages do: `local`, without a name.

Whoever may write the data folder needs no password, so a note says only that it
was done on the machine: which command, the ids it was given, and the digest of
everything it was given. A command that fails, or whose folder holds no books
yet, leaves none.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gateway.cli.books import Books

#: The commands that change what is kept; `READING` are all others, and a test knows both.
CHANGING: Final = frozenset(
    {
        "init", "ingest", "keys new", "keys rotate", "keys revoke", "journal pack", "journal shelve", "journal bring-back", "licensee add",
        "licensee credit", "licensee place", "licensee suspend", "licensee agent", "licensee limit",
        "licensee refund", "crawlers update", "deals offer", "deals decline", "licenses suspend",
        "licenses resume", "licenses revoke", "licenses amend", "bundle make", "claims add",
        "claims withdraw", "milestones funded", "milestones met", "milestones dispute", "milestones settle",
        "milestones refund", "books rate add", "duties accept", "duties reject", "duties excuse",
        "duties veto", "audits request", "audits name", "audits bind", "audits findings", "audits close",
        "audits cancel", "auditors add", "auditors revoke", "erase", "withdraw issue", "withdraw readmit",
        "objections hold", "objections uphold", "objections dismiss", "objections erase", "authors ask",
        "authors forget", "authorship add", "invoices issue", "invoices credit", "invoices pay",
        "invoices write-off", "invoices party", "payouts send", "payouts payee", "payouts sepa", "payouts plan", "payouts plan-authors", "payouts settle", "disputes accept",
        "disputes reject", "outbox retry", "dashboard people add", "dashboard people role",
        "dashboard people disable", "dashboard people enable", "dashboard people remove",
        "dashboard people reset", "dashboard keys add", "dashboard keys revoke", "config import", "store share",
    }
)  # fmt: skip
_ID: Final = re.compile(r"[a-z]{2,4}_[0-9a-z]{6,64}", re.ASCII)
#: What is in no digest: secrets, and what only says where and how.
_LEFT_OUT: Final = frozenset({"data", "as_json", "secret", "password", "token"})


def noting(command: Any) -> Any:
    """*command*, a whole tree of them, with a note behind each that changes something."""

    def walk(group: Any, path: tuple[str, ...]) -> None:
        for name, inner in group.commands.items():
            if hasattr(inner, "commands"):
                walk(inner, (*path, name))
            elif " ".join((*path, name)) in CHANGING:
                inner.callback = _noted(" ".join((*path, name)), inner.callback)

    walk(command, ())
    return command


def _noted(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(act)
    def done(**given: Any) -> Any:
        from gateway.app.stores import has_store

        result = act(**given)
        folder = Path(given.get("data") or "")
        if not given.get("dry_run") and has_store(folder):
            _keep(folder, name, given)
        return result

    return done


def _keep(folder: Path, name: str, given: Mapping[str, Any]) -> None:
    from gateway.cli.licensee import with_books
    from gateway.dashboard.admin_log import digest, noted

    told = {key: _plain(value) for key, value in given.items() if key not in _LEFT_OUT}
    subject = " ".join(value for value in given.values() if isinstance(value, str) and _ID.fullmatch(value))

    async def act(books: Books) -> None:
        note = noted(
            name, subject, by="", role="local", way="local", now_us=books.clock.now_us(), after=digest(told)
        )
        await books.write_all([note])

    with_books(folder, act)


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return str(value.value)
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else str(value)
