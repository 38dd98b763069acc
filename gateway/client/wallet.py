"""What a crawler keeps on disk, one JSON object a line: its receipts, and beside them its wallet.

The wallet is for this crawler alone (mode 0600): credentials that it got by
registering, licenses that it holds, negotiations that are open, and the
idempotency key of each purchase, written down before the purchase is sent. A
crawler that was killed between paying and storing asks again under the same key
and so buys once. A line that was torn by a crash is not read.

Without a path everything is kept in memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uuid_utils

from gateway.client.logins import Secret


@dataclass(frozen=True, slots=True)
class Held:
    """A license of ours: where it is good, and the hash of its terms. *offer* is the id of the published offer it came of."""

    origin: str
    license: str
    offer: str
    terms: str


class Lines:
    """A file of JSON objects, one a line, appended to. Only whole lines are read."""

    def __init__(self, path: Path | None, *, mode: int = 0o644, durable: bool = False) -> None:
        """Use *path*; None keeps nothing. *durable* lines are on the disk before `keep` returns."""
        self._path, self._mode, self._durable = path, mode, durable

    def read(self) -> Iterator[dict[str, Any]]:
        """Every whole line that is an object, in order."""
        if self._path is None or not self._path.exists():
            return
        for line in self._path.read_bytes().split(b"\n"):
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(value, dict):
                yield value

    def keep(self, line: Mapping[str, Any]) -> None:
        """Append *line*."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, self._mode)
        with os.fdopen(number, "r+b", buffering=0) as file:
            # What a crash tore is ended here, so that it spoils no other line.
            size = os.fstat(number).st_size
            torn = size > 0 and os.pread(number, 1, size - 1) != b"\n"
            file.write((b"\n" if torn else b"") + orjson.dumps(line) + b"\n")
            if self._durable:
                os.fsync(number)


@dataclass(slots=True)
class Wallet:
    """Credentials, licenses, open negotiations and purchases that were begun."""

    path: Path | None = None
    clients: dict[str, Secret] = field(default_factory=dict)
    licenses: list[Held] = field(default_factory=list)
    _talks: dict[tuple[str, str], str] = field(default_factory=dict)
    _begun: dict[str, str] = field(default_factory=dict)
    _logs: dict[str, str] = field(default_factory=dict)
    _lines: Lines = field(default_factory=lambda: Lines(None))

    def __post_init__(self) -> None:
        """Read what was kept."""
        self._lines = Lines(self.path, mode=0o600, durable=True)
        for line in self._lines.read():
            self._take(line)

    def _take(self, line: Mapping[str, Any]) -> None:
        told = {name: value for name, value in line.items() if isinstance(value, str)}
        at, name = told.get("origin", ""), told.get("name", "")
        match told.get("kind"):
            case "client":
                self.clients[at] = Secret(at, told.get("client_id", ""), told.get("client_secret", ""))
            case "license":
                held = Held(at, told.get("license", ""), told.get("offer", ""), told.get("terms", ""))
                if held not in self.licenses:
                    self.licenses.append(held)
            case "spent":
                self.licenses = [each for each in self.licenses if each.license != told.get("license")]
            case "talk":
                self._talks[at, told.get("offer", "")] = told.get("url", "")
            case "talked":
                self._talks.pop((at, told.get("offer", "")), None)
            case "log":
                self._logs[at] = told.get("key", "")
            case "begun":
                self._begun[name] = told.get("key", "")
            case "done":
                self._begun.pop(name, None)

    def _keep(self, **line: str) -> None:
        self._lines.keep(line)
        self._take(line)

    def registered(self, client: Secret) -> None:
        """Keep credentials."""
        self._keep(
            kind="client", origin=client.origin, client_id=client.client_id, client_secret=client.secret
        )

    def held_at(self, origin: str) -> tuple[Held, ...]:
        """The licenses for *origin*, newest first."""
        return tuple(each for each in reversed(self.licenses) if each.origin == origin)

    def licensed(self, held: Held) -> None:
        """Keep a license."""
        if held not in self.licenses:
            self._keep(
                kind="license", origin=held.origin, license=held.license, offer=held.offer, terms=held.terms
            )

    def used_up(self, license: str) -> None:
        """Forget a license that no token can be had of any more."""
        if any(each.license == license for each in self.licenses):
            self._keep(kind="spent", license=license)

    def talk(self, origin: str, offer: str) -> str:
        """The address of the open negotiation about *offer*, or ""."""
        return self._talks.get((origin, offer), "")

    def talking(self, origin: str, offer: str, url: str) -> None:
        """Keep where a negotiation is."""
        self._keep(kind="talk", origin=origin, offer=offer, url=url)

    def talked(self, origin: str, offer: str) -> None:
        """Forget a negotiation that is over."""
        if (origin, offer) in self._talks:
            self._keep(kind="talked", origin=origin, offer=offer)

    def log(self, origin: str) -> str:
        """The key by which the public log of *origin* is known, or ""."""
        return self._logs.get(origin, "")

    def met(self, origin: str, key: str) -> None:
        """Keep the key of a log that was met for the first time."""
        self._keep(kind="log", origin=origin, key=key)

    def begin(self, name: str) -> str:
        """The idempotency key of the purchase called *name*: the one it was begun with, or a new one, kept first."""
        if name not in self._begun:
            self._keep(kind="begun", name=name, key=str(uuid_utils.uuid4()))
        return self._begun[name]

    def done(self, name: str) -> None:
        """The purchase called *name* was answered; the next one has another key."""
        if name in self._begun:
            self._keep(kind="done", name=name)
