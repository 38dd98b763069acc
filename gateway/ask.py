"""The facts of one request that rules may look at, and nothing else.

The listener makes one `Ask` per request and never changes it. Whatever may
influence a ruling is here, so a ruling can be made again later from the same
facts. No socket, no header object of any library.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

Headers = tuple[tuple[str, str], ...]


class HeaderFields(tuple[tuple[str, str], ...]):  # noqa: SLOT001 - a tuple cannot have slots of its own
    """Header fields with their index: a tuple of (name in lower case, value), in the order received.

    *first* is the first value of each name. *kept* is where readers keep what
    they made of these very fields, each under a key of its own kind, because
    clients repeat them.
    """

    first: dict[str, str]
    kept: dict[object, Any]

    def __new__(cls, fields: Iterable[tuple[str, str]] = ()) -> Self:
        """Index *fields*."""
        made = super().__new__(cls, fields)
        made.first = dict(reversed(made))
        made.kept = {}
        return made


@dataclass(frozen=True)
class Ask:
    """One request for a creator's site.

    Attributes:
        id: UUIDv7 in canonical text form; the record's id too.
        asked_at_us: the gateway's clock, microseconds since the epoch.
        site: `policy.rules.Site.id`.
        origin: the site's public origin, such as ``https://journal.example``,
            lower case, without a default port; the only `aud` a token may have here.
        method: as received, upper case.
        target: path and query exactly as received; what is forwarded.
        path: the canonical path (`paths.canonical`), or "" where there is none.
        ambiguity: why there is no canonical path, or "".
        query: what follows the first ``?``, without it; "" if none.
        headers: names in lower case with values, in the order received.
        peer: address of the connection's other end, without port.
        address: the client's address after trusted proxies (`visitors.client_address`).
        country: ISO 3166-1 alpha-2 in upper case, or "" if unknown.
        country_basis: how it is known: "header" (from a trusted proxy),
            ``mmdb:NAME@YYYY-MM-DD`` (`visitors.territory`), or "".
    """

    id: str
    asked_at_us: int
    site: str
    origin: str
    method: str
    target: str
    path: str
    ambiguity: str = ""
    query: str = ""
    headers: Headers = ()
    peer: str = ""
    address: str = ""
    country: str = ""
    country_basis: str = ""

    def __post_init__(self) -> None:
        """Index the headers, where they are not."""
        if type(self.headers) is not HeaderFields:
            object.__setattr__(self, "headers", HeaderFields(self.headers))

    @property
    def asked_at(self) -> int:
        """Whole seconds since the epoch, as RFC 7519 counts them."""
        return self.asked_at_us // 1_000_000

    def header(self, name: str) -> str:
        """The first value of header *name* (lower case), or ""."""
        found: str = self.headers.first.get(name, "")  # type: ignore[attr-defined]
        return found

    def has(self, name: str) -> bool:
        """Whether there is a header *name* (lower case)."""
        return name in self.headers.first  # type: ignore[attr-defined]

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of header *name* (lower case), in order."""
        if not self.has(name):
            return ()
        return tuple(value for key, value in self.headers if key == name)

    @property
    def user_agent(self) -> str:
        """The User-Agent, or ""."""
        return self.header("user-agent")


if TYPE_CHECKING:
    make_ask = Ask
else:

    def make_ask(**members: Any) -> Ask:
        """Make an `Ask` of all its members, as the class itself does and quicker.

        A frozen dataclass stores one member a call; here all are stored at
        once. *headers* must be `HeaderFields`.
        """
        made = object.__new__(Ask)
        object.__setattr__(made, "__dict__", members)
        return made
