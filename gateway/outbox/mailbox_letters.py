"""The letters that prove a mailbox: whoever follows the link in one shows that it is read there.

An address is a stranger's word. So the letter holds nothing that the stranger
wrote, and few are sent to one mailbox, to all together, and at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

import structlog

from gateway.admission.pace import Pace
from gateway.clock import Clock
from gateway.licenses.contract import NOTICE
from gateway.outbox.courier import Said
from gateway.outbox.letters import Letter
from gateway.outbox.mail import Mail, is_mailbox

_log = structlog.get_logger("licet.outbox")
#: Letters that wait for the mail server at one moment.
_AT_ONCE: Final = 4


def _own_limit(name: str, per_second: float, burst: int) -> Pace:  # noqa: ARG001
    return Pace(per_second, burst)


def mailbox_letter(link: str, site: str) -> Letter:
    """What is written to a mailbox that *link* is to prove, about negotiating with the *site* of that name."""
    name = "".join(char if char.isprintable() else "?" for char in site)[:200]
    lines = (
        f"Somebody negotiates a license with {name} in a browser, and gave this address.",
        "",
        "If that was you, follow this link and press the button there. It is good once and for a day:",
        link,
        "",
        "By this you show that the mailbox is yours. Nothing is signed by it.",
        "If it was not you, do nothing: then nothing happens.",
        "",
        NOTICE,
    )
    return Letter(f"Show that this mailbox is yours: {name}", "\n".join(lines) + "\n")


class MailboxLetters:
    """Sends them. One object a process."""

    def __init__(
        self, mail: Mail, clock: Clock, limits: Callable[[str, float, int], Pace] = _own_limit
    ) -> None:
        """Send by *mail*; of *limits* are that of one mailbox, three at once and one an hour, and that of all together, sixty and two a minute."""
        self._mail, self._clock, self._waiting = mail, clock, 0
        self._one = limits("mailboxes", 1 / 3600, 3)
        self._together = limits("letters", 1 / 30, 60)

    async def send(self, address: str, *, link: str, site: str) -> bool:
        """Send *link* to *address*; whether the mail server took it. Raises nothing."""
        now_us = self._clock.now_us()
        if (
            not is_mailbox(address)
            or self._waiting >= _AT_ONCE
            or self._one.wait(_mailbox(address), now_us)
            or self._together.wait("", now_us)
        ):
            return False
        self._waiting += 1
        try:
            id = f"mb_{hashlib.sha256(link.encode()).hexdigest()[:32]}"
            outcome = await self._mail.send(mailbox_letter(link, site), address, id, now_us // 1_000_000)
        finally:
            self._waiting -= 1
        if outcome.said is not Said.TOLD:
            _log.warning("a mailbox was not reached", status=outcome.status, why=outcome.why)
        return outcome.said is Said.TOLD


def _mailbox(address: str) -> str:
    """The digest of *address* as most mail servers read it, so that what is added after a plus makes no mailbox of its own.

    A limit may rest outside this process, and the address is nobody's there.

    >>> _mailbox("Eve+7@Lab.example") == _mailbox("eve@lab.example"), len(_mailbox("eve@lab.example"))
    (True, 32)
    """
    local, _, host = address.lower().rpartition("@")
    return hashlib.sha256(f"{local.partition('+')[0]}@{host}".encode()).hexdigest()[:32]
