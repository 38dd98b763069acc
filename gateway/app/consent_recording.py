"""Records that a policy was put in force: once each time, whoever did it, before anybody is told its id.

What is to be recorded is written beside the versions of the site first, with the
salt that opens who it was, then into the journal, then marked as kept. After a
crash between two of these the store is asked whether the entry is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
import uuid_utils

from gateway.clock import Clock
from gateway.dashboard.policy_shelf import BY_FILE, PolicyFiles, digest_of
from gateway.desk.fees import Entered, Keeping
from gateway.policy.consent_record import Activation, consent_note
from gateway.policy.reload import PolicyShelf
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.provenance.consent_note import ConsentNote
from gateway.provenance.record import RecordError, read_entry
from gateway.provenance.salts import fresh_salt

_LINES: Final = "consents.jsonl"
_log: Final = structlog.get_logger("licet.consent")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One record as it is known beside the journal: the entry, and who said yes, "" where nobody is known or it was erased."""

    note: ConsentNote
    who: str


def recorded(folder: Path, site: str) -> tuple[Recorded, ...]:
    """Every record of *site* that *folder* tells of, oldest first; lines that are none are passed over."""
    found = []
    file = folder / site / _LINES
    for line in file.read_bytes().splitlines() if file.is_file() else ():
        try:
            read = orjson.loads(line)
            entry = read_entry("consent", read["note"]) if "note" in read else None
        except (orjson.JSONDecodeError, RecordError, TypeError, AttributeError):
            continue
        if isinstance(entry, ConsentNote):
            found.append(Recorded(entry, str(read.get("who", ""))))
    return tuple(found)


class ConsentRecording:
    """One office's; it looks at what is in force and records what is new."""

    def __init__(
        self,
        shelf: Callable[[], PolicyShelf],
        files: PolicyFiles,
        folder: Path,
        journal: Keeping,
        entered: Entered,
        clock: Clock,
    ) -> None:
        """Watch *shelf*, whose texts and versions are *files*; keep salts in *folder* and records in *journal*.

        *entered* says whether an entry of that id stands in the journal, all of which is folded at first.
        """
        self._entered = entered
        self._shelf, self._files, self._folder = shelf, files, folder
        self._journal, self._clock = journal, clock
        self._last: dict[str, dict[str, Any]] = {}

    async def act(self) -> None:
        """Record each policy from a file that is in force and not the last one recorded; cite its record.

        What the disk refuses is tried again the next time.
        """
        shelf = self._shelf()
        for policy in shelf.policies:
            if self._files.file(policy) is None:
                continue
            last = self._last.get(policy.site.id)
            # Another machine may have put it in force and recorded that.
            if last is None or last.get("policy") != policy.digest:
                last = await asyncio.to_thread(self._read, policy.site.id)
            try:
                if last.get("policy") != policy.digest:
                    last = await asyncio.to_thread(self._written, policy, last)
                if last and not last["kept"]:
                    if not await self._entered(last["id"]):
                        await self._journal.keep(read_entry("consent", dict(last["note"])))
                    await asyncio.to_thread(self._append, policy.site.id, {"kept": last["id"]})
                    last["kept"] = True
            except (StoreUnavailable, ConfigurationError, OSError, RecordError) as error:
                _log.warning("a consent is not recorded yet", site=policy.site.id, why=str(error))
                continue
            self._last[policy.site.id] = last
            if last and last["policy"] == policy.digest:
                shelf.cite(policy.site.id, policy.digest, last["id"])

    def _written(self, policy: Policy, last: dict[str, Any]) -> dict[str, Any]:
        """Write down what is to be recorded of *policy*; nothing where its file is a newer one already."""
        text = self._files.text(policy)
        tried = self._files.tried(policy, text).policy
        if tried is None or tried.digest != policy.digest:
            return last
        version = next(iter(self._files.versions(policy)), None)
        how = Activation(BY_FILE)
        if version is not None and version.sha256 == digest_of(text):
            how = Activation(version.by, version.who, version.words)
        now_us, salt = self._clock.now_us(), fresh_salt()
        note = consent_note(
            policy, text, how, before=last.get("policy", ""), time_us=now_us, salt=salt,
            id=str(uuid_utils.uuid7(nanoseconds=now_us * 1000)),
        )  # fmt: skip
        line = {"note": asdict(note), "who": how.who, "salt": salt.hex()}
        self._append(policy.site.id, line)
        return {"id": note.id, "policy": note.policy, "note": asdict(note), "kept": False}

    def _read(self, site: str) -> dict[str, Any]:
        file = self._folder / site / _LINES
        last: dict[str, Any] = {}
        for line in file.read_bytes().splitlines() if file.is_file() else ():
            try:
                found = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue  # a line that was cut off by a crash was never recorded
            if "note" in found:
                note = found["note"]
                last = {"id": note["id"], "policy": note["policy"], "note": note, "kept": False}
            elif last and found.get("kept") == last["id"]:
                last["kept"] = True
        return last

    def _append(self, site: str, line: dict[str, Any]) -> None:
        folder = self._folder / site
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / _LINES
        file.touch(mode=0o600)
        with file.open("r+b") as opened:
            # A line that a crash cut off stays a line of its own.
            torn = bool(opened.seek(0, 2)) and opened.seek(-1, 2) >= 0 and opened.read(1) != b"\n"
            opened.write((b"\n" if torn else b"") + orjson.dumps(line) + b"\n")
