"""What the pages for people need besides the desk's own parts: their private links, and a way to reach a mailbox.

A mailbox proves who negotiates where mail is set up (`Verifying`); where it is
not, the operator confirms the buyer in the inbox of the dashboard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.licenses.private_links import PrivateLinks


class Verifying(Protocol):
    """Sends the link that proves a mailbox; a seam that whatever sends mail implements."""

    async def send(self, address: str, *, link: str, site: str) -> bool:
        """Send *link* to *address*, for the site of that name; whether a mail server took it. Raises nothing.

        *address* and nothing else of it is a buyer's word: whoever sends bounds
        how often one mailbox is written to.
        """
        ...


@dataclass(frozen=True, slots=True)
class InPerson:
    """The *links* of people's pages, and what proves a mailbox; None where no mail is set up."""

    links: PrivateLinks
    verifying: Verifying | None = None
