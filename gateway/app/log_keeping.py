"""The public log beside the journal: taken up again at start, signed every second that brings news.

Whatever is wrong with it stops nobody: fetches are recorded as before, and the
log catches up once it can. What it must not do, tell a second history, it does
not; then it says why in the log, in the dashboard's banner and in its own
address, and an operator decides (`licet journal audit`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.keys.key_ring import KeyRing
from gateway.provenance.checkpoint import LogKey
from gateway.provenance.public_log import Leader, Leaves, LogRefused, PublicLog, replace_whole

log = structlog.get_logger("licet")

#: What an operator can do about a log that must not be written on.
REMEDY: Final = "Put the newer data folder back; or keep this one with `licet backup` and `licet restore`, which begins another log."

#: The file that keeps the log's name, which must outlive every change of host names.
NAME: Final = "name"


class LogKeeping:
    """Keeps the log in one folder. One object an office."""

    def __init__(
        self, folder: Path, ring: KeyRing, leaves: Leaves, host: str, leader: Leader | None = None
    ) -> None:
        """Sign by the first key of *ring*; a new log is called after *host*.

        With a *leader* heads of our own are signed only while it allows it. Otherwise the log is followed: whoever leads
        has kept the next head before it signs it, and what is signed here is that head, to the octet.
        """
        key = ring.current.key
        assert isinstance(key, Ed25519PrivateKey)
        self.folder, self.leaves = folder, leaves
        self._key, self._host = key, host
        self._leader = leader
        self._log: PublicLog | None = None
        self._refused = False
        #: Whether this gateway keeps the log, and with it whatever one of several gateways does for all.
        self.leads = leader is None
        #: Why no new head is signed, as a sentence, or "".
        self.reason = ""

    @property
    def log(self) -> PublicLog | None:
        """The log, once it was opened and while it can be gone on with."""
        return None if self._refused else self._log

    @property
    def kept(self) -> PublicLog | None:
        """The log, while this gateway is the one that keeps it."""
        return self.log if self.leads else None

    @property
    def private(self) -> Ed25519PrivateKey:
        """What heads and seals are signed with."""
        return self._key

    async def sign_news(self) -> None:
        """Take up what the keeper folded, and sign a head over it. Raises `StoreUnavailable`."""
        if self._refused:
            return
        try:
            name = log_name(self.folder, self._host)
            if self._leader:
                self.leads = False
                self.leads = await self._leader.leads(LogKey(name, self._key.public_key()))
            if self._log is None:
                self._log = await PublicLog.open(self.folder, name, self._key, self.leaves)
            if self._leader and not self.leads:
                await self._log.follow(self.leaves, self._leader)
            else:
                await self._log.catch_up(self.leaves, self._leader)
        except LogRefused as error:
            self._refused, self.reason = True, f"{error} {REMEDY}"
            log.error("the public log is not signed any more", reason=self.reason)  # noqa: TRY400 - no defect
        except OSError as error:
            if not self.reason:
                log.error("the public log cannot be written", reason=str(error))  # noqa: TRY400
            # What was half done is read again from the disk.
            self._log, self.reason = None, f"The public log cannot be written: {error.strerror or error}."
        else:
            self.reason = ""


def log_name(folder: Path, host: str) -> str:
    """What the log in *folder* is called; a new one after *host*, for good. Raises `OSError`."""
    try:
        return (folder / NAME).read_text("utf-8").strip()
    except FileNotFoundError:
        name = f"{host}/.licet/log"
        replace_whole(folder / NAME, f"{name}\n".encode(), through=True)
        return name
