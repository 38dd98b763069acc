"""The policies that were in force a while ago, for whoever still holds what they published.

A license.xml may be kept for its ``max-age`` (RSL 1.0, 2025-12-10, section 3.2), so
what it offered stays on offer for that long after it was replaced. Where a
policy came from a file the file is copied, with the manifests of its bundles, so
that a restart forgets nothing; an earlier policy without one, or one that command-line flags changed, is remembered
by this process alone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.licenses.bundle import write_manifest
from gateway.policy.bundles import manifest_file, manifest_sold
from gateway.policy.reading import read_policy_text
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError

_MOST: Final = 16
_INDEX: Final = "index.json"
_log = logging.getLogger("licet.policy")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A policy and until when it may be met, whole seconds; 0 while it is in force."""

    policy: Policy
    until: int = 0


class EarlierPolicies:
    """Remembers the policies of every site, at most 16 a site. Not for two threads at once."""

    def __init__(self, folder: Path | None = None) -> None:
        """Remember in *folder* too, which is made when there is something to write. Raises nothing."""
        self._folder = folder
        self._sites: dict[str, list[_Seen]] = {}
        if folder is not None:
            self._read(folder)

    def see(self, policies: Iterable[Policy], now: int) -> None:
        """Take note of the *policies* in force at *now*, whole seconds. A full disk is logged, not raised."""
        changed = False
        for policy in policies:
            rows = self._sites.get(policy.site.id, [])
            if rows and not rows[0].until and rows[0].policy.digest == policy.digest:
                rows[0] = _Seen(policy)
                continue
            older = [
                _Seen(row.policy, row.until or now + row.policy.publishing.license_days * 86_400)
                for row in rows
                if row.policy.digest != policy.digest
            ]
            kept = [row for row in older if row.until > now][: _MOST - 1]
            self._sites[policy.site.id] = [_Seen(policy), *kept]
            changed = True
        if changed and self._folder is not None:
            try:
                self._write(self._folder)
            except OSError as error:
                _log.warning("earlier offers cannot be kept: %s", error)

    def of_site(self, site: str, now: int) -> tuple[Policy, ...]:
        """The policies that were in force before and may still be met at *now*, newest first."""
        return tuple(row.policy for row in self._sites.get(site, ()) if row.until > now)

    def _read(self, folder: Path) -> None:
        try:
            rows = json.loads((folder / _INDEX).read_bytes())
            listed = [(str(row["site"]), str(row["digest"]), int(row["until"])) for row in rows]
        except (OSError, ValueError, TypeError, KeyError):
            return
        for site, digest, until in listed:
            file = folder / _name(digest)
            with contextlib.suppress(OSError, ValueError, ConfigurationError):
                # Its bundles stand beside where it is said to be: policies of one bundle name may have two manifests.
                place = folder / file.stem / f"{site}.toml"
                policy = read_policy_text(file.read_text(encoding="utf-8"), str(place))
                # What is not the policy that was in force was not published.
                if policy.digest == digest:
                    self._sites.setdefault(site, []).append(_Seen(policy, until))

    def _write(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        rows = [(site, row) for site, seen in self._sites.items() for row in seen]
        for _, row in rows:
            copy = folder / _name(row.policy.digest)
            if not copy.exists() and row.policy.file:
                with contextlib.suppress(OSError):
                    _keep_bundles(folder / copy.stem, row.policy)
                    _put(copy, Path(row.policy.file).read_bytes())
        listed = [{"site": site, "digest": row.policy.digest, "until": row.until} for site, row in rows]
        _put(folder / _INDEX, json.dumps(listed).encode())
        wanted = {_name(row.policy.digest) for _, row in rows}
        for file in folder.glob("*.toml"):
            if file.name not in wanted:
                file.unlink()
                shutil.rmtree(folder / file.stem, ignore_errors=True)


def _name(digest: str) -> str:
    return "".join(char for char in digest if char.isalnum()) + ".toml"


def _keep_bundles(folder: Path, policy: Policy) -> None:
    sold = (each.terms.scope.bundle for each in policy.offers)
    for bundle in filter(None, sold):
        made = manifest_sold(Path(policy.file), bundle)
        if made is not None:
            copy = manifest_file(folder / "any.toml", bundle.name)
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _put(copy, write_manifest(made).encode())


def _put(file: Path, octets: bytes) -> None:
    """Replace *file* as a whole; its owner alone can read it, because a policy may hold floors."""
    beside = file.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_bytes(octets)
    beside.replace(file)
