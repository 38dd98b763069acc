"""`licet ems`: files that are sold encrypted, and the keys that open them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, table, tell

if TYPE_CHECKING:
    from gateway.policy.rules import Policy

app = typer.Typer(
    help="""Files that are sold encrypted (RSL's EMS).

    `encrypt` makes FILE.enc and keeps its key in the data folder; put FILE.enc
    on your site, mark the work with `encrypted = true` in the policy, and the
    desk gives the key to whoever holds a license. `decrypt` opens such a file.
    """,
    no_args_is_help=True,
)
_SUFFIX = ".enc"
Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="The files; they stay as they are.")]


@app.command()
def encrypt(
    files: Files,
    at: Annotated[
        str, typer.Option("--at", metavar="PATH", help="Where on the site the encrypted files will be.")
    ] = "/",
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write them; beside the files if left out.")
    ] = None,
    site: Annotated[str, typer.Option(metavar="ID", help="Which site, where there are several.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Replace FILE.enc where it is there already.")
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Encrypt files, each with a key of its own.

    A file of any size takes the memory of one small part of it. The keys are in
    DATA/keys/content, readable by you alone; whoever has them can read the
    files. Encrypting again makes a new key; the old one stays for old copies.

    \b
    licet ems encrypt archive.warc --at /archive/ --out public/archive
    """
    from gateway.keys import ems
    from gateway.keys.content_keys import ContentKeys

    policy = _policy(data, site)
    keys = ContentKeys(data / "keys" / "content")
    made = [(file, (out or file.parent) / f"{file.name}{_SUFFIX}", _path(at, file)) for file in files]
    for file, target, _ in made:
        if not file.is_file():
            raise stop(f"{file} is no file")
        if target.exists() and not force:
            raise stop(f"{target} is there already; --force replaces it")
    rows = []
    for file, target, path in made:
        key = ems.ContentKey.new()
        with file.open("rb") as source, _replacing(target) as octets:
            size = ems.encrypt(source, octets, key)
            # Known before the file is: whoever meets the file can have its key.
            keys.keep(policy.site.id, path, key)
        rows.append((str(target), path, size, key.kid))
        work = policy.work_of(path)
        if work is None or not work.encrypted:
            tell(f"licet: no work with encrypted = true covers {path}; license.xml will not say that it is")
    if as_json:
        emit([dict(zip(("file", "path", "octets", "key"), row, strict=True)) for row in rows])
    else:
        table(("file", "path", "octets", "key"), rows)


@app.command()
def decrypt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The encrypted file.")],
    key: Annotated[
        Path,
        typer.Option(
            "--key", metavar="FILE", help="What the desk's /key answered, or the JWK in it; - is stdin."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; FILE without .enc if left out.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file where it is there already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Open an encrypted file with the key that a license gave.

    Nothing is left behind if the file was changed or its end is missing (exit 1).

    \b
    curl -u ID:SECRET https://journal.example/.licet/key -d token=TOKEN \\
      -d resource=/archive/archive.warc.enc > key.json
    licet ems decrypt archive.warc.enc --key key.json
    """
    from gateway.keys import ems

    target = out or file.with_suffix("" if file.suffix == _SUFFIX else ".clear")
    if target.exists() and not force:
        raise stop(f"{target} is there already; --force replaces it")
    try:
        told = json.loads(sys.stdin.buffer.read() if str(key) == "-" else key.read_bytes())
        opened = ems.ContentKey.read(told.get("key", told))
    except ems.EmsError as error:
        raise stop(f"{key}: {error}") from None
    except (ValueError, TypeError, AttributeError):
        raise stop(f"{key} is not the key that the desk answered, in JSON") from None
    try:
        with file.open("rb") as source, _replacing(target) as octets:
            size = ems.decrypt(source, octets, opened)
    except ems.EmsError as error:
        raise stop(f"{file}: {error}", 1) from None
    if as_json:
        emit({"file": str(target), "octets": size})
    else:
        tell(f"{target}: {counted(size, 'octet')}")


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of *target* once it is whole and on the disk."""
    beside = target.with_name(f".{target.name}.part")
    try:
        with beside.open("wb") as octets:
            yield octets
            octets.flush()
            os.fsync(octets.fileno())
        beside.replace(target)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _path(at: str, file: Path) -> str:
    from gateway.paths import Ambiguous, canonical

    path = canonical(f"{at if at.endswith('/') else at + '/'}{file.name}{_SUFFIX}")
    if isinstance(path, Ambiguous) or not at.startswith("/") or "*" in path:
        raise stop(f"--at {at} and the name {file.name} make no plain path of a site")
    return path


def _policy(data: Path, site: str) -> Policy:
    from gateway.policy.reload import PolicyShelf

    shelf = PolicyShelf(data / "sites")
    ids = [policy.site.id for policy in shelf.policies]
    if not site and len(ids) > 1:
        raise stop(f"there are several sites, so say which with --site: {', '.join(ids)}")
    policy = shelf.of_site(site or ids[0])
    if policy is None:
        raise stop(f"there is no site {site}; there are {', '.join(ids)}")
    return policy
