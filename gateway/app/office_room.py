"""The office as a process: it serves the workers over a socket, and the desk over another.

What it tells every worker, unasked:

======== ===============================================================
revoked  what was revoked, and what is withdrawn: whole at the start and on a
         change, otherwise only until when it is known to be true
         (`time.monotonic`, which is one clock in all processes of a machine)
paid     units that were paid for at another worker, once that is durable
place    up to which place of the journal a worker knows them (`paid_telling`)
writers  all whose journals are not known to their end: after one of them was
         killed, licensed answers wait until it is left out
policies (a call) which policies it took up; a worker answers with its own
======== ===============================================================

It runs at a lower priority than the workers: on a machine that is busy, pages
come before folding, reports and the dashboard. What a page's verdict waits
for (leases, the revocations' heartbeat) takes the office microseconds.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from gateway.app.boot import Boot
from gateway.app.calls import ACCOUNTS, AUDIENCE, PAID, REVOKED, SETTLER, SPEND_BOOK, WITHDRAWN
from gateway.app.channel import Channel
from gateway.app.folder import RunFolder
from gateway.app.memory import rarely_collected
from gateway.app.observing import metrics_of
from gateway.app.office import Office, log
from gateway.app.paid_telling import PaidTelling, Told, units_of_batch
from gateway.app.signing_agents import told
from gateway.desk.door import DeskDoor
from gateway.front.tallies import Totals
from gateway.licenses.revocations import Revocations
from gateway.licenses.withdrawal import Withdrawal
from gateway.policy.reload import PolicyShelf, policy_files
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError, Mistake, StoreUnavailable
from gateway.provenance.keeper import FoldBatch, Folding
from gateway.provenance.writers import ReadToTheEnd, lives, named

#: How much less important the office is than a worker, as `os.nice` counts.
_NICENESS: Final = 5
#: Seconds that a worker's welcome waits for those that live and have not spoken yet: they tell what they were paid for.
_SPEAK: Final = 1.0
_LOOK: Final = 0.01
#: Seconds that payments on their way may take when the office ends.
_SETTLING: Final = 8.0
#: Units told with a greeting that later ones hear of, too.
_GREETED: Final = 8192


@dataclass(eq=False)
class _Line:
    """One worker, as the office knows it. *told* are the revocations it was sent last, *withdrawn* the withdrawals.

    *unsure* are writers that it has to watch until it was sent every paid unit, whoever
    else knows them by then; None once it was.
    """

    channel: Channel
    name: str = ""
    told: Revocations | None = None
    withdrawn: tuple[Withdrawal, ...] | None = None
    unsure: frozenset[str] | None = frozenset()
    state: dict[str, Any] = field(default_factory=dict)


class OfficeRoom(Office):
    """An `Office` with workers."""

    def __init__(self, boot: Boot) -> None:
        """Prepare what *boot* says; nothing is opened yet."""
        super().__init__(boot.config, policies=boot.policies())
        self._run = RunFolder(Path(boot.run))
        self._lines: set[_Line] = set()
        self._server: asyncio.Server | None = None
        self._door: DeskDoor | None = None
        self._stamp: tuple[tuple[str, int, int], ...] = ()
        self._writers: set[str] = set()
        #: Those that were killed, and of which everything is known.
        self._whole: set[str] = set()
        self._spoken: set[str] = set()
        self._greeted: deque[Any] = deque(maxlen=_GREETED)
        self._read = ReadToTheEnd()
        self._settles = True
        self._totals = Totals()

    async def start(self) -> dict[str, Any]:
        """Open everything; returns ``dashboard``, ``sign_in`` and the sites. Raises `ConfigurationError`."""
        os.nice(_NICENESS)
        self.read_policies()
        await self.open_stores("office")
        self._door = DeskDoor(self.desk, self._policy_of)
        await self._door.start(self._run.desk)
        self._server = await asyncio.start_unix_server(self._met, self._run.office)
        dashboard, sign_in = await self.open_dashboard()
        await metrics_of(self, self._totals.all, self._states, self._closing.append)
        self.begin()
        rarely_collected()
        return {
            "dashboard": dashboard,
            "sign_in": sign_in,
            "sites": [
                {
                    "id": policy.site.id,
                    "hosts": policy.site.hosts,
                    "origin": policy.site.origin,
                    "mode": str(policy.site.mode),
                    "file": str(self.config.sites / Path(policy.file).name),
                }
                for policy in self.shelf.policies
            ],
        }

    async def stop(self, seconds: float = 5.0) -> None:
        """Let what the desk and the workers' calls began end within *seconds*, then close everything."""
        if self._server is not None:
            self._server.close()
        if self._door is not None:
            await self._door.stop(seconds)
            # Money that is cut off on its way waits for a person. Workers sell on meanwhile.
            self._settles = False
            await self.settling.finished(_SETTLING)
            await asyncio.gather(*(line.channel.answered(seconds) for line in self._lines))
        for line in tuple(self._lines):
            line.channel.close()
        await self.close()

    async def act(self, name: str, given: Any) -> Any:  # noqa: ARG002
        """Do what the supervisor asks: ``reload``."""
        if name == "reload":
            return [str(mistake) for mistake in await self._taken_up()]
        raise StoreUnavailable(f"The office does not know {name}.")

    def folding(self) -> Folding:
        """The store's, and the workers hear of what was paid for."""
        self._telling = PaidTelling(
            self._paid,
            self.paid,
            lambda: [line.channel for line in self._lines if line.unsure is None],
            single=self.machines.single,
        )
        return Told(super().folding(), self)

    def read_policies(self) -> None:
        """Take up the policies for the first time, or where they are wrong the last good ones of this run.

        Raises `ConfigurationError` where there are none yet.
        """
        last_good = self._run.policies / "current"
        try:
            self.shelf = self._copied()
        except ConfigurationError as error:
            if not last_good.is_dir():
                raise
            self._complain(error.mistakes)
            self.shelf = PolicyShelf(last_good)

    def forget_leases(self) -> None:
        """Tell every worker, before it hears that it may sell again."""
        self._tell_all("closed", None)

    def looked(self, asked_at: float) -> None:
        """Tell every worker what is revoked, or that nothing changed."""
        for line in self._lines:
            self._tell_revoked(line, asked_at)

    def status(self) -> dict[str, str]:
        """As `Office.status`, and which worker's journal is not well."""
        found = super().status()
        for line in self._lines:
            why = line.state.get("journal", "")
            if why:
                found[f"journal of {line.name}"] = why
        return found

    def tell_paid(self, batch: FoldBatch) -> None:
        """Tell every worker of the units that the records of *batch* paid for."""
        units = units_of_batch(batch)
        if units:
            self._tell_all("paid", PAID.dump_python(units, mode="json"))

    async def marked(self) -> None:
        """Something is about to be stored; all that is in the store was told."""
        await self._telling.mark()

    async def recall(self, holder: Any, licensee: str) -> None:
        """Have worker *holder* give back what it has idle."""
        await holder.channel.call("recall", licensee)

    def learn(self, units: Any) -> None:
        """Tell every worker of *units* that were paid for at another gateway."""
        self._tell_all("paid", units)

    def stored(self) -> None:
        """A batch that held all there was to read is stored, and told."""
        self._known_whole(self._read.stored(self._gone()))

    def emptied(self) -> None:
        """There is nothing left to read: all that writers wrote which had ended by the last batch is told."""
        self._known_whole(self._read.emptied(self._gone()))

    def _gone(self) -> frozenset[str]:
        return frozenset(writer for writer in self._writers if not lives(self.config.journal, writer))

    def _known_whole(self, known: frozenset[str]) -> None:
        """Nobody needs to wait any more for what writers *known* wrote."""
        self._whole |= known
        if known & self._writers:
            self._writers -= known
            self._tell_writers()

    def _policy_of(self, site: str) -> Policy | None:
        return self.shelf.of_site(site)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(
            Channel(
                reader,
                writer,
                answer=lambda name, given: self._answer(line, name, given),
                hear=lambda name, given: self._heard(line, name, given),
            )
        )
        try:
            await line.channel.run()
        finally:
            self._lines.discard(line)
            self.book.gone(line)

    async def _answer(self, line: _Line, name: str, given: Any) -> Any:
        port, _, method = name.partition(".")
        if port == "book" and method in SPEND_BOOK:
            return await SPEND_BOOK[method].answer(getattr(self.book, method), given)
        if port == "accounts" and method in ACCOUNTS:
            return await ACCOUNTS[method].answer(getattr(self.accounts, method), given)
        if port == "settler" and method in SETTLER:
            if not self._settles:
                raise StoreUnavailable("The office is ending.")
            return await SETTLER[method].answer(getattr(self.settling, method), given)
        if port == "audience" and method in AUDIENCE:
            return await AUDIENCE[method].answer(getattr(self.audience, method), given)
        if name == "hello":
            return await self._welcome(line, given)
        if name == "fetch":
            return told(await self.egress.get(str(given)))
        if name == "processes":
            return self._processes()
        if name == "sites":
            return [
                {"origin": each.site.origin, "mode": str(each.site.mode), "stance": each.stance}
                for each in self.shelf.policies
            ]
        raise StoreUnavailable(f"The office does not know {name}.")

    def _heard(self, line: _Line, name: str, given: Any) -> None:
        if name == "state":
            line.state = given
            self._totals.hear(given)
        elif name == "paid":
            self._tell_all("paid", given, but=line)
            self.neighbors.tell("paid", given)
        elif name == "used":
            self._tell_all("used", given, but=line)
        elif name == "idle":
            self.book.told(line, str(given[0]), int(given[1]))

    async def _welcome(self, line: _Line, given: Any) -> None:
        """Bring a worker up to date, and from now on keep it so."""
        line.name = str(given["name"])
        line.channel.tell("paid", list(self._greeted))
        self._lines.add(line)
        latest = given.get("paid", ())  # a worker of the version before does not tell
        self._heard(line, "paid", latest)
        self._greeted.extend(latest)
        self._spoken.add(str(given["writer"]))
        self._writers |= {str(given["writer"]), *map(str, given["others"])}
        # Whoever writes and has not spoken to this office yet may be killed before it does.
        self._writers |= named(self.config.journal) - self._whole - {self.journal.writer}
        self._tell_writers()
        await self._telling.welcome(line.channel, int(given.get("place", 0)))
        line.unsure = None
        self._tell_writers()
        await self._all_spoken()
        await self._look()

    async def _all_spoken(self) -> None:
        """Wait until every writer that lives has told what it was paid for last, but not for one that is stuck."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _SPEAK
        while loop.time() < until:
            writers = named(self.config.journal)
            self._spoken &= writers
            silent = writers - self._spoken - self._whole - {self.journal.writer}
            if not any(lives(self.config.journal, writer) for writer in silent):
                return
            await asyncio.sleep(_LOOK)

    def _tell_revoked(self, line: _Line, asked_at: float) -> None:
        news: dict[str, Any] = {"at": asked_at}
        if line.told is not self.revoked and line.told != self.revoked:
            news["revoked"] = REVOKED.dump_python(self.revoked, mode="json")
        if line.withdrawn != self.withdrawn:
            news["withdrawn"] = WITHDRAWN.dump_python(self.withdrawn, mode="json")
        line.told, line.withdrawn = self.revoked, self.withdrawn
        line.channel.tell("revoked", news)

    def _tell_writers(self) -> None:
        """Tell every worker of all writers whose journals are not known to their end.

        What was read of one before a worker spoke to this office is among the paid
        units that it is sent first, which takes a while: until then it watches on.
        """
        for line in self._lines:
            if line.unsure is not None:
                line.unsure |= self._writers
            line.channel.tell("writers", sorted(line.unsure or self._writers))

    def _tell_all(self, name: str, given: Any, *, but: _Line | None = None) -> None:
        for line in self._lines:
            if line is not but:
                line.channel.tell(name, given)

    def _states(self) -> list[dict[str, Any]]:
        return [line.state for line in self._lines if line.state]

    def _processes(self) -> list[dict[str, Any]]:
        ours = {"role": "office", "pid": os.getpid()}
        return [
            ours,
            *sorted(self._states(), key=lambda each: each["role"]),
        ]

    # Policies: the office reads the files first; workers read what it took up, from the run folder.

    async def _reload_if_changed(self) -> None:
        changed = _stamp(self.config.sites) != self._stamp
        # Whoever tidies temporary files may have taken what workers read.
        if self._policies is None and (changed or not (self._run.policies / "current").is_dir()):
            await self._taken_up()

    async def _taken_up(self) -> tuple[Mistake, ...]:
        """Take up changed policies, whole or not at all, here and then at every worker."""
        try:
            shelf = self._copied()
        except ConfigurationError as error:
            self._complain(error.mistakes)
            return error.mistakes
        shelf.withdraw(self.withdrawn)
        self.shelf = shelf
        wanted = self._digests()
        lines = tuple(self._lines)
        answers = await asyncio.gather(
            *(line.channel.call("policies", seconds=10) for line in lines), return_exceptions=True
        )
        for line, answer in zip(lines, answers, strict=True):
            if answer != wanted and not line.channel.closed:
                log.error("a worker did not take up the policies", worker=line.name, answer=str(answer))
        self.tell_taken_up()
        return ()

    def _complain(self, mistakes: tuple[Mistake, ...]) -> None:
        for mistake in mistakes:
            log.error("policy not taken up", mistake=str(mistake))

    def _digests(self) -> list[str]:
        return [policy.digest for policy in self.shelf.policies]

    def _copied(self) -> PolicyShelf:
        """Copy the policies to where workers read them, and read the copy; raises `ConfigurationError`.

        What is read is what was copied, whoever writes the files meanwhile.
        """
        if self._policies is not None:
            return PolicyShelf(self._policies)
        sites = self.config.sites
        # Stamped before reading: a change during the reading is a change still to be seen.
        self._stamp = _stamp(sites)
        copy = self._run.policies / str(time.monotonic_ns())
        copy.mkdir(mode=0o700, parents=True)
        try:
            _copy(sites, copy)
            shelf = PolicyShelf(copy)
        except ConfigurationError as error:
            shutil.rmtree(copy)
            raise ConfigurationError([_named(mistake, copy, sites) for mistake in error.mistakes]) from None
        pointer = copy.with_suffix(".new")
        pointer.symlink_to(copy.name)
        pointer.replace(self._run.policies / "current")
        for old in self._run.policies.iterdir():
            if old not in {copy, self._run.policies / "current"}:
                shutil.rmtree(old, ignore_errors=True)
        return shelf


def _copy(sites: Path, copy: Path) -> None:
    for file in policy_files(sites):
        try:
            to = copy / file.relative_to(sites)
            to.parent.mkdir(mode=0o700, exist_ok=True)
            to.write_bytes(file.read_bytes())
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigurationError([Mistake(str(file), "", f"cannot be read: {why}")]) from None


def _named(mistake: Mistake, copy: Path, sites: Path) -> Mistake:
    """*mistake*, naming the file that a person wrote and not our copy of it."""
    file, expected = (text.replace(str(copy), str(sites)) for text in (mistake.file, mistake.expected))
    return replace(mistake, file=file, expected=expected)


def _stamp(sites: Path) -> tuple[tuple[str, int, int], ...]:
    found = []
    for file in policy_files(sites):
        try:
            stat = file.stat()
            found.append((file.name, stat.st_mtime_ns, stat.st_size))
        except OSError:
            found.append((file.name, -1, -1))
    return tuple(found)
