"""The public log over HTTP, and receipts out of it.

========================================== ====================================
GET ``/.licet/log/checkpoint``             the signed head (C2SP tlog-checkpoint)
GET ``/.licet/log/witnessed``              the last head that enough witnesses cosigned
GET ``/.licet/log/tile/…``                 tiles and bundles (C2SP tlog-tiles)
GET ``/.licet/log/key``                    the vkey that the head is signed by
GET, client ``/.licet/receipts/ID``        what proves one record
GET, client ``/.licet/receipts?id=…``      the same of up to 100, under one head
========================================== ====================================

The log is one for all sites of a gateway, and tells nobody whose entries they
are. A receipt is for the licensee of its record alone; with ``.tlog-proof``
behind the id, or ``Accept: text/plain``, it has the form of C2SP tlog-proof.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from aiohttp import web

from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.clients import Clients
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.replies import json_reply, octets_reply
from gateway.problems import Problem, Refusal
from gateway.provenance.public_log import CHECKPOINT, WITNESSED, Leaves, PublicLog, read_tile
from gateway.provenance.receipts import Opened, as_tlog_proof, receipts
from gateway.provenance.tiles import WIDTH, Tile

LOG: Final = f"{PREFIX}/log"
RECEIPTS: Final = f"{PREFIX}/receipts"
#: Receipts of one answer.
MOST: Final = 100
PROOF: Final = ".tlog-proof"
TEXT: Final = "text/plain"
_OCTETS: Final = "application/octet-stream"
#: Seconds after which a record that is not in the log yet is in it.
_SOON: Final = 2
_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_RECEIPT: Final[Mapping[str, object]] = {
    "type": "object",
    "required": ["format", "log", "checkpoint", "receipts"],
}


class Kept(Protocol):
    """What is needed of `app.log_keeping.LogKeeping`."""

    @property
    def folder(self) -> Path:
        """Where the files are."""
        ...

    @property
    def leaves(self) -> Leaves:
        """What they were made of."""
        ...

    @property
    def log(self) -> PublicLog | None:
        """The log, or None while there is none to prove by."""
        ...


class LogFiles:
    """Answers the log's addresses."""

    def __init__(self, kept: Kept) -> None:
        """Tell of *kept*."""
        self._kept = kept

    def group(self) -> Group:
        """Its addresses."""
        return {
            f"{LOG}/checkpoint": read_at(
                self._checkpoint,
                About("The signed head of the public log.", gives={TEXT: {"type": "string"}}),
            ),
            f"{LOG}/witnessed": read_at(
                self._witnessed,
                About("The last head that enough witnesses cosigned.", gives={TEXT: {"type": "string"}}),
            ),
            f"{LOG}/key": read_at(
                self._key, About("The key of the public log, as a vkey.", gives={TEXT: {"type": "string"}})
            ),
            f"{LOG}/tile/*": read_at(
                self._tile,
                About(
                    "A tile or a bundle of the public log.",
                    gives={_OCTETS: {"type": "string", "format": "binary"}},
                    rest=("tile", {"type": "string", "maxLength": 64}),
                ),
            ),
        }

    async def _checkpoint(self, call: Call) -> web.StreamResponse | Refusal:
        del call
        return await self._head(CHECKPOINT, "Nothing was logged yet.")

    async def _witnessed(self, call: Call) -> web.StreamResponse | Refusal:
        del call
        return await self._head(WITNESSED, "No head has been seen by enough witnesses.")

    async def _head(self, name: str, none: str) -> web.StreamResponse | Refusal:
        try:
            octets = await asyncio.to_thread((self._kept.folder / name).read_bytes)
        except FileNotFoundError:
            return Refusal(Problem.NOT_FOUND, none, retry_after=_SOON)
        return octets_reply(octets, TEXT, {"Cache-Control": "no-cache"})

    async def _key(self, call: Call) -> web.StreamResponse | Refusal:
        del call
        log = self._kept.log
        if log is None:
            return _none_now()
        return octets_reply(f"{log.key.vkey}\n".encode(), TEXT, {"Cache-Control": "max-age=3600"})

    async def _tile(self, call: Call) -> web.StreamResponse | Refusal:
        tile = Tile.read(f"tile/{call.rest}")
        if tile is None:
            return Refusal(Problem.NOT_FOUND, "That is the name of no tile.")
        try:
            octets = await asyncio.to_thread(read_tile, self._kept.folder, tile)
        except (OSError, ValueError):
            return Refusal(Problem.NOT_FOUND, "There is no such tile, or not yet.")
        short = {"Cache-Control": "public, max-age=3600"}
        return octets_reply(octets, _OCTETS, _FOREVER if tile.width == WIDTH else short)


class ReceiptDesk:
    """Gives licensees the proofs of their records."""

    def __init__(self, kept: Kept, clients: Clients) -> None:
        """Prove by *kept*, to whom *clients* knows."""
        self._kept, self._clients = kept, clients

    def group(self) -> Group:
        """Its addresses."""
        gives: dict[str, Mapping[str, object]] = {"application/json": _RECEIPT, TEXT: {"type": "string"}}
        return {
            RECEIPTS: read_at(
                self._several,
                About(
                    f"What proves up to {MOST} records, under one signature.",
                    asks={"id!": {"type": "array", "maxItems": MOST, "items": {"type": "string"}}},
                    gives={"application/json": _RECEIPT},
                    login=True,
                ),
            ),
            f"{RECEIPTS}/*": read_at(
                self._one,
                About("What proves one record.", gives=gives, login=True, rest=("id", {"type": "string"})),
            ),
        }

    async def _one(self, call: Call) -> web.StreamResponse | Refusal:
        as_text = call.rest.endswith(PROOF) or call.request.headers.get("Accept", "").startswith(TEXT)
        found = await self._found(call, (call.rest.removesuffix(PROOF),))
        if isinstance(found, Refusal):
            return found
        log, opened = found
        if not as_text:
            return json_reply(await asyncio.to_thread(_receipts, log, opened))
        text = await asyncio.to_thread(_proof, log, opened[0])
        return octets_reply(text.encode(), TEXT, {"Cache-Control": "no-store"})

    async def _several(self, call: Call) -> web.StreamResponse | Refusal:
        ids = tuple(dict.fromkeys(call.request.rel_url.query.getall("id", [])))
        if not 0 < len(ids) <= MOST:
            return Refusal(Problem.FORM_INVALID, f"Name 1 to {MOST} records, each as id=….")
        found = await self._found(call, ids)
        if isinstance(found, Refusal):
            return found
        return json_reply(await asyncio.to_thread(_receipts, *found))

    async def document(self, call: Call, ids: tuple[str, ...]) -> dict[str, object] | Refusal:
        """The receipts of those records, for whoever *call* logs in as."""
        found = await self._found(call, ids)
        return found if isinstance(found, Refusal) else await asyncio.to_thread(_receipts, *found)

    async def _found(self, call: Call, ids: tuple[str, ...]) -> tuple[PublicLog, list[Opened]] | Refusal:
        known = await self._clients.authenticate(call.request, call.address, issuer=issuer_of(call.origin))
        if isinstance(known, Refusal):
            return known
        log = self._kept.log
        if log is None:
            return _none_now()
        opened = [await self._kept.leaves.opened(each) for each in ids]
        # What was paid in belongs to no site.
        sites = {"", call.policy.site.id}
        mine = [each for each in opened if each and each.licensee == known.licensee.id and each.site in sites]
        if len(mine) < len(ids):
            return Refusal(
                Problem.NOT_FOUND,
                "This licensee has no record of that id here, or it is not in the books yet.",
                retry_after=_SOON,
            )
        if any(each.index >= log.head.size for each in mine):
            return Refusal(Problem.NOT_FOUND, "The log's next head will have it.", retry_after=_SOON)
        return log, mine


def _receipts(log: PublicLog, opened: list[Opened]) -> dict[str, object]:
    signed = log.signed
    return receipts(opened, log.key, signed.head.size, signed.note, log.nodes(signed.head.size))


def _proof(log: PublicLog, opened: Opened) -> str:
    signed = log.signed
    return as_tlog_proof(opened, signed.head.size, signed.note, log.nodes(signed.head.size))


def _none_now() -> Refusal:
    return Refusal(Problem.NOT_FOUND, "There is no public log at the moment.", retry_after=60)
