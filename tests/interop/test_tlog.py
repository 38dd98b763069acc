"""PyPI tlog-scales, a client of C2SP logs, against ours: it agrees with what is whole and refuses what was changed."""

from __future__ import annotations

import asyncio
import json
import random
from importlib.metadata import version

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.provenance.checkpoint import LogKey
from gateway.provenance.public_log import PublicLog
from gateway.provenance.receipts import Opened, as_tlog_proof
from gateway.provenance.tiles import ENTRIES, Tile, bundle, read_bundle

NAME = "journal.example/.licet/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
SIZES = (1, 255, 256, 257, 5_000, 65_537, 66_000)


class Store:
    def __init__(self, count):
        self.rows = [f"leaf {n}".encode() for n in range(count)]

    async def size(self):
        return len(self.rows)

    async def leaves(self, begin, most):
        return tuple(self.rows[begin : begin + most])


@pytest.fixture
def scales():
    """The library's modules, and a verdict over a log in a folder or at a URL."""
    tlog_scales = pytest.importorskip("tlog_scales", reason="tlog-scales is absent (pip install tlog-scales)")
    del tlog_scales
    from tlog_scales import backend, reader, signing, tiles

    def check(place, vkey, *, earlier=(), samples=()):
        log = reader.TilesReader(backend.make_backend(place))
        head = log.get_checkpoint()
        head.verify(signing.Vkey.from_string(vkey))
        assert log.calculate_root_hash() == head.root_hash
        for index in samples:
            leaf = log.get_entry(index)
            log.get_inclusion_proof(index, head.size).check(tiles.leaf_hash(leaf), head.root_hash)
        for size, root in earlier:
            log.get_consistency_proof(size, head.size).check(root, head.root_hash)
        return head

    return check


async def grown(folder):
    store, heads = Store(0), []
    log = await PublicLog.open(folder, NAME, KEY, store)
    for size in SIZES:
        store.rows = Store(size).rows
        await log.catch_up(store)
        heads.append((log.head.size, log.head.root))
    return log, heads


async def test_it_agrees_with_a_log_of_ours(tmp_path, scales, interop):
    log, heads = await grown(tmp_path)
    samples = [0, 255, 256, 65_535, 65_536, 65_999, *random.Random(7).sample(range(66_000), 94)]
    head = scales(str(tmp_path), log.key.vkey, earlier=heads, samples=samples)
    assert (head.origin, head.size, head.root_hash) == (NAME, 66_000, log.head.root)
    told = f"signature, root of 66,000 leaves, {len(samples)} inclusions and {len(heads)} consistencies agree"
    interop("PyPI tlog-scales", version("tlog-scales"), "verify a log", told)


def _changed_leaf(folder):
    path = folder / Tile(ENTRIES, 2).path
    path.write_bytes(bundle([*read_bundle(path.read_bytes())[:-1], b"another"]))


def _flipped(name, at):
    def act(folder):
        octets = bytearray((folder / name).read_bytes())
        octets[at] ^= 1
        (folder / name).write_bytes(octets)

    return act


TAMPERED = {
    "a leaf": _changed_leaf,
    "a hash": _flipped("tile/0/002", 17),
    "a hash above": _flipped("tile/1/000", 17),
    "the edge": _flipped("tile/0/257.p/208", 17),
    "the origin": _flipped("checkpoint", 0),
    "the size": _flipped("checkpoint", len(NAME) + 2),
    "the root": _flipped("checkpoint", len(NAME) + 10),
    "the signature": _flipped("checkpoint", -20),
}


async def test_it_refuses_what_was_changed(tmp_path, scales, interop):
    for nth, (what, act) in enumerate(TAMPERED.items()):
        folder = tmp_path / str(nth)
        log, heads = await grown(folder)
        act(folder)
        with pytest.raises(Exception, match=r".*"):
            scales(str(folder), log.key.vkey, earlier=heads, samples=range(512, 768))
            pytest.fail(f"{what} was not seen", pytrace=False)
    interop(
        "PyPI tlog-scales",
        version("tlog-scales"),
        "a changed log",
        f"{len(TAMPERED)} of {len(TAMPERED)} refused",
    )


async def test_it_reads_a_live_gateway(gateway, scales, interop):
    client, secret = gateway.licensee()
    login = {"Authorization": aiohttp.encode_basic_auth(client, secret)}
    wanted = {
        "grant_type": "client_credentials",
        "authorization_details": json.dumps([{"type": "content_license", "offer": "training"}]),
    }
    async with aiohttp.ClientSession(gateway.url) as http, asyncio.timeout(30):
        async with http.post("/.licet/token", data=wanted, headers=login) as answer:
            token = (await answer.json())["access_token"]
        agent = {"User-Agent": "GPTBot/1.3", "Authorization": f"License {token}"}
        async with http.get("/essays/tides", headers=agent) as answer:
            assert answer.status == 200
            record = answer.headers["Licet-Record"]
        while True:
            async with http.get(f"/.licet/receipts/{record}.tlog-proof", headers=login) as answer:
                proof = await answer.text()
                if answer.status == 200:
                    break
            await asyncio.sleep(0.1)
        async with http.get("/.licet/log/key") as answer:
            vkey = (await answer.text()).strip()
    index = int(proof.split("\n")[2].removeprefix("index "))
    head = await asyncio.to_thread(scales, f"{gateway.url}/.licet/log", vkey, samples=[index])
    assert head.size > index
    told = f"{head.size} leaves over HTTP, inclusion of a paid fetch"
    interop("PyPI tlog-scales", version("tlog-scales"), "read a gateway's log", told)


async def test_a_proof_of_ours_is_one_of_theirs(tmp_path, scales, interop):
    """The lines of a .tlog-proof, taken apart by the specification alone and checked by their code."""
    from tlog_scales import signing, tiles, tlog
    from tlog_scales.utils import b64dec

    canonical = b'{"v":1}'
    opened = [Opened(n, "fetch", "le_1", "journal", n, canonical, bytes(32)) for n in range(300)]
    store = Store(0)
    store.rows = [each.leaf for each in opened]
    log = await PublicLog.open(tmp_path, NAME, KEY, store)
    await log.catch_up(store)
    text = as_tlog_proof(opened[77], 300, log.signed.note, log.nodes(300))
    head, _, note = text.partition("\n\n")
    name, extra, index, *hashes = head.split("\n")
    checkpoint = tlog.Checkpoint.from_text(note)
    checkpoint.verify(signing.Vkey.from_string(LogKey(NAME, KEY.public_key()).vkey))
    assert (name, index) == ("c2sp.org/tlog-proof@v1", "index 77")
    assert json.loads(b64dec(extra.removeprefix("extra ")))["salt"] == "00" * 32
    tlog.InclusionProof(77, checkpoint.size, [b64dec(each) for each in hashes]).check(
        tiles.leaf_hash(opened[77].leaf), checkpoint.root_hash
    )
    interop(
        "PyPI tlog-scales", version("tlog-scales"), "check a receipt", "the .tlog-proof of a record holds"
    )
