"""Asking witnesses to cosign the public log's heads (C2SP tlog-witness, ``add-checkpoint``).

Each witness is asked every so often, where there is news. What a witness knows
is learned from itself: it refuses an old size that is not the one it last
cosigned, and says which is. A witness that has seen a later head than ours, or
to which our history does not continue the one it saw, is evidence against this
log; it is told, and the log goes on, for whoever looks decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import structlog

from gateway import __version__
from gateway.app.timers import every
from gateway.config import Config
from gateway.egress import Egress, Posted, Unfetched
from gateway.problems import ConfigurationError, Mistake
from gateway.provenance.chain import consistency_proof
from gateway.provenance.checkpoint import CheckpointRefused
from gateway.provenance.cosignature import Quorum, WitnessKey, add_request, kept_lines
from gateway.provenance.public_log import PublicLog, Signed

log = structlog.get_logger("licet.witness")

#: Octets of an answer, and seconds that one may take.
_LIMIT: Final = 16_384
_SECONDS: Final = 10.0
_CONFLICT: Final = 409
_NO_PROOF: Final = 422

Post = Callable[[str, bytes], Awaitable[Posted | Unfetched]]


@dataclass(frozen=True, slots=True)
class Witness:
    """Where a witness is asked, and its key."""

    url: str
    key: WitnessKey


class Witnessing:
    """Asks *witnesses*. *reasons* says of each what is wrong with it, or with us."""

    def __init__(self, witnesses: tuple[Witness, ...], needed: int, post: Post) -> None:
        """Ask by *post*; a head that *needed* of them cosigned is published as witnessed."""
        self._witnesses, self._post = witnesses, post
        self._quorum = Quorum(tuple(each.key for each in witnesses), needed)
        self._sizes: dict[str, int] = {}
        #: The name of a witness -> a sentence.
        self.reasons: dict[str, str] = {}
        self._asked: Signed | None = None

    async def run(self, kept: Callable[[], PublicLog | None], seconds: int) -> None:
        """Ask every so many *seconds*, until cancelled."""

        async def act() -> None:
            await self.ask(kept())

        await every(float(seconds), act)

    async def ask(self, kept: PublicLog | None) -> None:
        """Have the last head of *kept* cosigned, unless it was asked for before. Raises `OSError`, where it cannot be written."""
        signed = kept.signed if kept is not None else None
        if kept is None or signed is None or not signed.head.size:
            return
        if self._asked is not None and self._asked.head == signed.head and not self.reasons:
            return
        lines = await asyncio.gather(*(self._one(each, kept, signed) for each in self._witnesses))
        self._asked = signed
        given = [line for line in lines if line]
        if given:
            enough = len(given) >= self._quorum.needed
            await asyncio.to_thread(kept.cosigned, signed, "".join(given), witnessed=enough)

    async def _one(self, witness: Witness, kept: PublicLog, signed: Signed) -> str:
        """The lines of one witness, or ""; what is wrong is in `reasons`."""
        name = witness.key.name
        for _ in range(2):
            old = self._sizes.get(name, 0)
            if old > signed.head.size:
                return self._wrong(
                    name,
                    f"has seen a head of {old} entries, and ours has {signed.head.size}: an older state was restored",
                )
            proof = (
                await asyncio.to_thread(
                    consistency_proof, old, signed.head.size, kept.nodes(signed.head.size)
                )
                if old
                else ()
            )
            url = f"{witness.url.rstrip('/')}/add-checkpoint"
            answer = await self._post(url, add_request(old, proof, signed.note))
            if isinstance(answer, Unfetched):
                return self._wrong(name, f"cannot be asked: {answer.why}")
            if answer.status == _CONFLICT and self._learned(name, answer):
                continue
            if answer.status in {_NO_PROOF, _CONFLICT}:
                return self._wrong(
                    name, f"does not see our history continue the one it saw ({answer.status})"
                )
            return self._taken(witness, signed, answer)
        return self._wrong(name, "told another size twice")

    def _learned(self, name: str, answer: Posted) -> bool:
        """Whether the answer tells which size the witness last cosigned, and that is news."""
        text = answer.body.decode("ascii", "replace").removesuffix("\n")
        if not (text.isascii() and text.isdigit() and len(text) < 20) or int(text) == self._sizes.get(
            name, 0
        ):
            return False
        self._sizes[name] = int(text)
        return True

    def _taken(self, witness: Witness, signed: Signed, answer: Posted) -> str:
        name = witness.key.name
        if answer.status != 200:
            return self._wrong(name, f"answers {answer.status}")
        try:
            lines = kept_lines(signed.note, answer.body.decode("utf-8", "surrogateescape"), witness.key)
        except CheckpointRefused as error:
            return self._wrong(name, f"answers what does not hold: {error}")
        self._sizes[name] = signed.head.size
        if self.reasons.pop(name, ""):
            log.info("a witness cosigns again", witness=name)
        return lines

    def _wrong(self, name: str, why: str) -> str:
        if self.reasons.get(name) != why:
            log.warning("a witness does not cosign", witness=name, why=why)
        self.reasons[name] = why
        return ""


def witnessing_of(config: Config) -> Witnessing | None:
    """What asks the witnesses of the settings, or None where there are none; raises `ConfigurationError`."""
    mistakes: list[Mistake] = []
    found: list[Witness] = []
    place = str(config.folder / "licet.toml")
    for nth, each in enumerate(config.witnesses):
        try:
            found.append(Witness(each.url, WitnessKey.read(each.vkey)))
        except CheckpointRefused as error:
            mistakes.append(Mistake(place, f"witnesses.{nth}.vkey", str(error), each.vkey))
        if each.url.startswith("http:") and not each.private:
            mistakes.append(
                Mistake(place, f"witnesses.{nth}.url", "must be https, or private = true", each.url)
            )
    if not config.witnesses:
        return None
    private = tuple(_authority(each.url) for each in config.witnesses if each.private)
    egress = Egress(exempt=private, agent=f"licet/{__version__}", plain=True)

    async def post(url: str, body: bytes) -> Posted | Unfetched:
        return await egress.post(url, body, media_type="text/plain", limit=_LIMIT, seconds=_SECONDS)

    if mistakes:
        raise ConfigurationError(mistakes)
    try:
        return Witnessing(tuple(found), config.witnessing.quorum or len(found), post)
    except ValueError as error:
        raise ConfigurationError([Mistake(place, "witnessing.quorum", str(error))]) from None


def _authority(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
