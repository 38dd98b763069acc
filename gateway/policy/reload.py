"""The live policies of every site, taken up whole or not at all.

A reload reads every file first. One mistake anywhere, and nothing changes: the
last good policies stay (design, "When a dependency is down"). Readers take the
current generation by one attribute and never see half of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from gateway.licenses.position import Position, usual
from gateway.licenses.withdrawal import Withdrawal
from gateway.policy.reading import read_policy, read_secretly
from gateway.policy.rules import Policy
from gateway.policy.withdrawing import with_withdrawn
from gateway.problems import ConfigurationError, Mistake
from gateway.terms.license_terms import Offer

#: Where policies come from: a folder of ``*.toml``, named files, or a function that makes them.
Source = Path | Iterable[Path] | Callable[[], tuple[Policy, ...]]
_Stamp = tuple[tuple[str, int, int], ...]


class PolicyShelf:
    """The policies in force. Not safe to reload from two threads at once; reading always is.

    Attributes:
        policies: the last good ones, in the order of files.
        generation: how many times policies were taken up, from 1.

    The bargaining positions of the same reading are kept beside the policies,
    and told to whoever asks for one by name and to nobody else. What was
    withdrawn is put on whatever is in force, before anybody can see it without.
    """

    def __init__(self, source: Source, *, overrides: Mapping[str, object] | None = None) -> None:
        """Read *source*; *overrides* are as `reading.read_policy` takes them.

        Raises:
            ConfigurationError: there is a mistake, or no policy at all; there
                is nothing good to keep yet.
        """
        self._source = source if callable(source) or isinstance(source, Path) else tuple(source)
        self._overrides = dict(overrides or {})
        self._stamp: _Stamp = ()
        self._hosts: dict[str, Policy] = {}
        self._sites: dict[str, Policy] = {}
        self._positions: dict[tuple[str, str], Position] = {}
        self._as_read: tuple[Policy, ...] = ()
        self._withdrawn: frozenset[Withdrawal] = frozenset()
        self._consents: dict[tuple[str, str], str] = {}
        self.policies: tuple[Policy, ...] = ()
        self.generation = 0
        mistakes = self.reload()
        if mistakes:
            raise ConfigurationError(mistakes)

    def of_host(self, host: str) -> Policy | None:
        """The policy of *host* (without port): its own, else that of ``*``, else None."""
        hosts = self._hosts
        return hosts.get(host) or hosts.get(host.lower().rstrip(".")) or hosts.get("*")

    def of_site(self, site: str) -> Policy | None:
        """The policy of the site with that id, or None."""
        return self._sites.get(site)

    def position(self, site: str, offer: Offer) -> Position:
        """The secret bargaining position for *offer* of *site*; where none was written its price stands."""
        return self._positions.get((site, offer.id)) or usual(offer.tier)

    def reload(self) -> tuple[Mistake, ...]:
        """Take up the files as they are now; returns every mistake, and keeps the last good if there is one."""
        # Stamped before reading: a change during the reading is a change still to be seen.
        self._stamp = self._seen()
        mistakes: list[Mistake] = []
        positions: dict[tuple[str, str], Position] = {}
        policies = self._read(mistakes, positions)
        mistakes.extend(_clashes(policies))
        if not policies and not mistakes:
            mistakes.append(Mistake(self._named(), "", "holds no policy; `licet init` writes one"))
        if mistakes:
            return tuple(mistakes)
        self._positions = positions
        self._as_read = policies
        self._put(policies)
        return ()

    def withdraw(self, withdrawals: Iterable[Withdrawal]) -> None:
        """Have exactly *withdrawals* in force, in all policies and at once; without effect where they are already."""
        found = frozenset(withdrawals)
        if found != self._withdrawn:
            self._withdrawn = found
            self._put(self._as_read)

    def cite(self, site: str, digest: str, consent: str) -> None:
        """Have the policy of *site* with that *digest* name *consent*, the record of its being put in force."""
        if self._consents.get((site, digest)) != consent:
            self._consents[site, digest] = consent
            self._put(self._as_read)

    def _put(self, as_read: tuple[Policy, ...]) -> None:
        cited = (
            replace(each, consent=self._consents.get((each.site.id, each.digest), "")) for each in as_read
        )
        policies = tuple(with_withdrawn(policy, self._withdrawn) for policy in cited)
        self._hosts = {host: policy for policy in policies for host in policy.site.hosts}
        self._sites = {policy.site.id: policy for policy in policies}
        self.policies = policies
        self.generation += 1

    def changed_on_disk(self) -> bool:
        """Whether a file came, went, or differs in time or size from when it was last read, well or not."""
        return self._seen() != self._stamp

    def _read(
        self, mistakes: list[Mistake], positions: dict[tuple[str, str], Position]
    ) -> tuple[Policy, ...]:
        policies: list[Policy] = []
        try:
            if callable(self._source):
                return self._source()
        except ConfigurationError as error:
            mistakes.extend(error.mistakes)
        for file in self._files():
            try:
                policy, found = read_secretly(file, overrides=self._overrides)
                policies.append(policy)
                positions.update({(policy.site.id, name): each for name, each in found.items()})
            except ConfigurationError as error:
                mistakes.extend(error.mistakes)
        return tuple(policies)

    def _files(self) -> tuple[Path, ...]:
        if callable(self._source):
            return ()
        if isinstance(self._source, Path):
            return tuple(sorted(self._source.glob("*.toml"))) if self._source.is_dir() else (self._source,)
        return self._source

    def _seen(self) -> _Stamp:
        found = []
        folder = self._source if isinstance(self._source, Path) and self._source.is_dir() else None
        for file in policy_files(folder) if folder else self._files():
            try:
                stat = file.stat()
                found.append((str(file), stat.st_mtime_ns, stat.st_size))
            except OSError:
                found.append((str(file), -1, -1))
        return tuple(found)

    def _named(self) -> str:
        return str(self._source) if isinstance(self._source, Path) else "(no policy file)"


def policy_files(sites: Path) -> tuple[Path, ...]:
    """Everything that the policies in the folder *sites* are read from: their files, and the manifests of bundles."""
    return *sorted(sites.glob("*.toml")), *sorted(sites.glob("bundles/*.json"))


def _clashes(policies: tuple[Policy, ...]) -> list[Mistake]:
    """One host and one id belong to one site."""
    mistakes: list[Mistake] = []
    hosts: dict[str, str] = {}
    sites: dict[str, str] = {}
    for policy in policies:
        if policy.site.id in sites:
            mistakes.append(
                Mistake(
                    policy.file, "site.id", f'"{policy.site.id}" is the id of {sites[policy.site.id]} already'
                )
            )
        sites.setdefault(policy.site.id, policy.file)
        for host in policy.site.hosts:
            if host in hosts:
                mistakes.append(
                    Mistake(
                        policy.file, "site.hosts", f'the host "{host}" is listed in {hosts[host]} already'
                    )
                )
            hosts.setdefault(host, policy.file)
    return mistakes


def read_all(files: list[Path]) -> tuple[list[Policy], tuple[Mistake, ...]]:
    """The policies that are good by themselves, and every mistake, those between files too."""
    good: list[Policy] = []
    for file in files:
        with suppress(ConfigurationError):
            good.append(read_policy(file))
    try:
        PolicyShelf(files)
    except ConfigurationError as error:
        return good, error.mistakes
    return good, ()
