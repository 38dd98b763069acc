"""One entry on its way to the disk: with its salt, its detail, and who waits for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.provenance.frames import SealedDetail, detail_frame, entry_frame
from gateway.provenance.record import FetchDetail, JournalEntry
from gateway.provenance.salts import fresh_salt
from gateway.provenance.waking import Waiter


@dataclass(slots=True)
class Queued:
    """An entry that waits for the disk, or without an entry a mark that `Journal.flush` waits for.

    *urgent* is whether it is paid or waited for: synced with its batch. The
    salt is drawn once, so that an entry that is written again has the same leaf;
    *framed* are its frames, made by whoever queues it, so that the thread that
    writes has little to do but to write.
    """

    entry: JournalEntry | None
    urgent: bool
    detail: FetchDetail | None = None
    detail_salt: bytes = b""
    waiter: Waiter | None = None
    salt: bytes = field(default_factory=fresh_salt)
    framed: tuple[bytes, bytes] = (b"", b"")

    def frame(self) -> str:
        """Make `framed` and return ""; or why there is none, as a sentence."""
        try:
            self.framed = self.frames()
        except (TypeError, ValueError) as error:
            return f"The entry has no canonical form: {error}."
        return ""

    def frames(self) -> tuple[bytes, bytes]:
        """The frames of entry and detail, each empty where there is none.

        Raises `ValueError` or `TypeError` for what has no canonical form or is too long.
        """
        entry, detail = self.entry, self.detail
        if entry is None:
            return b"", b""
        framed = entry_frame(entry.kind, entry.canonical(), self.salt)
        if detail is None:
            return framed, b""
        return framed, detail_frame(SealedDetail(entry.id, self.detail_salt, entry.time_us, detail))
