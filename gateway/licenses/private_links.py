"""The private pages of people who negotiate without an account: a storage port.

Whoever opens a negotiation in a browser gets a link that nobody can guess; it
is kept as its SHA-256 and is good for that one negotiation. Before anything is
signed somebody has to be known behind it: by a mail that was answered, by the
key of a client, or because the operator says so (`verified_by`).

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_private_links.py`.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final, Protocol

#: By what somebody is known behind a link.
BY_MAIL: Final = "mail"
BY_KEY: Final = "key"
BY_OPERATOR: Final = "operator"


@dataclass(frozen=True, slots=True)
class PrivateLink:
    """One page: of which *negotiation*, spoken for by which *client*, and how its person is known.

    Attributes:
        link: SHA-256 of the link, hex.
        negotiation: its id.
        client: the client in whose name the page speaks.
        email: where its person can be written to; hostile until a mail was answered.
        made_at: whole seconds.
        mail: SHA-256 of the token in the mail that was sent last, "" for none.
        mail_until: the second from which that token is good no longer.
        verified_at: since when somebody is known behind it; 0 for nobody.
        verified_by: `BY_MAIL`, `BY_OPERATOR`, `BY_KEY` with a space and whose key it was after it, or "".
    """

    link: str
    negotiation: str
    client: str
    email: str
    made_at: int
    mail: str = ""
    mail_until: int = 0
    verified_at: int = 0
    verified_by: str = ""

    @property
    def verified(self) -> bool:
        """Whether somebody is known behind it."""
        return self.verified_at > 0

    @property
    def proof(self) -> tuple[str, str]:
        """By what its person is known, and whose key it was, "" for no key.

        >>> PrivateLink("", "ne_1", "", "", 0, verified_at=1, verified_by="key https://lab.example").proof
        ('key', 'https://lab.example')
        """
        by, _, whose = self.verified_by.partition(" ")
        return by, whose


def new_link() -> str:
    """A link that nobody can guess: 256 random bits, safe in a path."""
    return secrets.token_urlsafe(32)


def hashed(link: str) -> str:
    """What is kept of a link, or of the token in a mail. No text makes it raise."""
    return hashlib.sha256(link.encode("utf-8", "surrogatepass")).hexdigest()


class PrivateLinks(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def add(self, link: PrivateLink) -> bool:
        """Keep a new one; False, and nothing changed, if its negotiation has one, or there is no such negotiation."""
        ...

    async def by_link(self, link: str) -> PrivateLink | None:
        """The one whose link has that SHA-256."""
        ...

    async def of(self, negotiation: str) -> PrivateLink | None:
        """The one of that negotiation."""
        ...

    async def mailed(self, negotiation: str, mail: str, until: int) -> bool:
        """Keep the SHA-256 of the token that was mailed, good before second *until*, in place of the one before; False if there is no such page."""
        ...

    async def answered(self, mail: str, at: int) -> PrivateLink | None:
        """Take the token with that SHA-256, once and before its time, as the proof of the mailbox; None if it is none."""
        ...

    async def verify(self, negotiation: str, by: str, at: int) -> PrivateLink | None:
        """Keep that somebody is known behind it; who is known stays as known as before. None if there is no such page."""
        ...
