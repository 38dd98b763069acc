"""The content keys of encrypted files, one file an asset, for their owner alone.

``FOLDER/HEX.json`` (mode 0600) holds the site, the path and every key the asset
was ever encrypted with, the newest first, so that an older copy can be opened
too. HEX is the SHA-256 of site and path. It stands below ``DATA/keys`` and is
in every backup with them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from gateway.keys.ems import ContentKey, EmsError


class ContentKeys:
    """Keeps keys in *folder*, which is made when the first one is kept."""

    def __init__(self, folder: Path) -> None:
        """Know the folder; nothing is read yet."""
        self._folder = folder

    def keep(self, site: str, path: str, key: ContentKey) -> None:
        """Make *key* the newest of the asset at canonical *path*; on the disk when this returns.

        Raises `OSError`, and `EmsError` where the asset's file is damaged.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = [key, *(each for each in self._read(site, path) if each.id != key.id)]
        told = {"site": site, "path": path, "keys": [each.as_jwk() for each in keys]}
        file = self._file(site, path)
        beside = file.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(json.dumps(told).encode())
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def key(self, site: str, path: str, kid: str = "") -> ContentKey | None:
        """The newest key of the asset at canonical *path*, or the one of that *kid*; None if there is none.

        Raises `OSError` and `EmsError` as `keep` does.
        """
        return next((each for each in self._read(site, path) if kid in {"", each.kid}), None)

    def paths(self, site: str) -> frozenset[str]:
        """Of which canonical paths of *site* there are keys. Raises `OSError`; damaged files are passed over."""
        found = set()
        for file in self._folder.glob("*.json"):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                told = json.loads(file.read_bytes())
                if told["site"] == site and told["keys"]:
                    found.add(str(told["path"]))
        return frozenset(found)

    def _read(self, site: str, path: str) -> list[ContentKey]:
        try:
            told = json.loads(self._file(site, path).read_bytes())
            if (told["site"], told["path"]) != (site, path):
                raise EmsError("the keys are those of another asset")
            return [ContentKey.read(each) for each in told["keys"]]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise EmsError(f"the keys of {path} cannot be read: {error}") from None

    def _file(self, site: str, path: str) -> Path:
        return self._folder / f"{hashlib.sha256(f'{site} {path}'.encode()).hexdigest()}.json"
