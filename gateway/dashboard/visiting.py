"""A visit to see what happens: one request as a chosen crawler, through the real front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from gateway.policy.rules import Policy
from gateway.visitors.catalog import Catalog

#: What a person's browser calls itself.
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_LONGEST: Final = 2048


@dataclass(frozen=True, slots=True)
class Visited:
    """What came back: the *status*, the header fields, the beginning of the body, and the id of the record, "" for none."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    record: str = ""


class Visiting(Protocol):
    """Sends a request to the front of this gateway, and to nowhere else."""

    async def visit(self, host: str, target: str, agent: str) -> Visited | str:
        """GET *target* of the site *host* as *agent*; or why it could not be sent."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """A visit that can be made: which *host* is asked, for which *target*, by which User-Agent."""

    host: str
    target: str
    agent: str


def plan(policy: Policy, catalog: Catalog, name: str, path: str) -> Plan | str:
    """The visit to *path* of the site of *policy* as *name*, a crawler of *catalog* or "" for a person; or what is wrong.

    Its User-Agent says what it is, so that the log shows a test for what it is.
    """
    target = path.strip() or "/"
    if (
        not target.startswith("/")
        or len(target) > _LONGEST
        or not target.isascii()
        or not target.isprintable()
    ):
        return "A path begins with a slash, such as /essays/, and has no blanks."
    if " " in target:
        return "A path begins with a slash, such as /essays/, and has no blanks."
    host = next((each for each in policy.site.hosts if "*" not in each), "localhost")
    if not name:
        return Plan(host, target, BROWSER)
    entry = catalog.by_name(name)
    token = next(iter(entry.tokens), "") if entry else ""
    if not token:
        return "No crawler of the catalog has that name, or it is known by its signature alone."
    agent = f"{token}/1.0" if entry and entry.anchored else f"Mozilla/5.0 (compatible; {token}/1.0)"
    return Plan(host, target, f"{agent} (a test visit by Licet)")
