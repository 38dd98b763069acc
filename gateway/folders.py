"""What lies where in a data folder, and folders that a loss of power does not take back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Folders:
    """The places in the data folder *folder*; none of them need be there yet."""

    folder: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "licet.db"

    @property
    def past(self) -> Path:
        """The SQLite file of other servers' logs: what was before this gateway; never billed."""
        return self.folder / "past" / "licet.db"

    @property
    def journal(self) -> Path:
        """The folder of the append files."""
        return self.folder / "journal"

    @property
    def keys(self) -> Path:
        """The folder of the token keys."""
        return self.folder / "keys" / "tokens"

    @property
    def identity_keys(self) -> Path:
        """The folder of the keys with which this gateway signs its own requests."""
        return self.folder / "keys" / "identity"

    @property
    def auth_secret(self) -> Path:
        """The file of the secret by which the site's own proxy is known."""
        return self.folder / "keys" / "auth"

    @property
    def evidence(self) -> Path:
        """The folder of documents that licensees handed in."""
        return self.folder / "evidence"

    @property
    def figures(self) -> Path:
        """The folder of the figures that the creator states, one file for a site."""
        return self.folder / "figures"

    @property
    def policy_versions(self) -> Path:
        """The folder of what the policies were, one folder for a site."""
        return self.folder / "policy-versions"

    @property
    def copies(self) -> Path:
        """The folder of fetched address lists."""
        return self.folder / "feeds"

    @property
    def log_keys(self) -> Path:
        """The folder of the key that signs the public log's heads."""
        return self.folder / "keys" / "log"

    @property
    def log(self) -> Path:
        """The folder of the public log, which any static host may serve."""
        return self.folder / "log"

    @property
    def origin_keys(self) -> Path:
        """The folder of the keys with which workers sign what goes to a site's own server."""
        return self.folder / "keys" / "origin"

    @property
    def content_keys(self) -> Path:
        """The folder of the keys of encrypted files."""
        return self.folder / "keys" / "content"

    @property
    def sites(self) -> Path:
        """The folder of the policies."""
        return self.folder / "sites"


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Make *folder*, unless it is there, and what is missing above it; their names are on the disk when this returns.

    What is made durable in a folder whose own name is not goes with that name. Raises `OSError`.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=mode if each == folder else 0o777, exist_ok=True)
        descriptor = os.open(each.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    if not missing:
        folder.mkdir(mode=mode, exist_ok=True)  # raises where something else is in the way


def replace_file(path: Path, octets: bytes) -> None:
    """Put *octets* in place of what is at *path*, whole or not at all; readers see the one or the other."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
