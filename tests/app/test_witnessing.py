"""Witnesses on real sockets: the log asks as C2SP tlog-witness says, keeps what holds, and tells what is wrong."""

from __future__ import annotations

import time

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.app.witnessing import witnessing_of
from gateway.config import read_config
from gateway.problems import ConfigurationError
from gateway.provenance.chain import continues
from gateway.provenance.checkpoint import CheckpointRefused, LogKey, read, read_head, split_note
from gateway.provenance.cosignature import Quorum, WitnessKey, cosign, read_add_request, read_witnessed
from gateway.provenance.public_log import WITNESSED, PublicLog

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
NAME = "journal.example/.licet/log"


class Store:
    def __init__(self, count, more=""):
        self.count, self.more = count, more

    async def size(self):
        return self.count

    async def leaves(self, begin, most):
        return tuple(f"{n}{self.more}".encode() for n in range(begin, min(self.count, begin + most)))


class Witness:
    """A witness of the specification. *says* stands in for its answer."""

    def __init__(self, name):
        self.key = Ed25519PrivateKey.generate()
        self.own = WitnessKey(name, self.key.public_key())
        self.log = LogKey(NAME, KEY.public_key())
        self.size, self.root, self.asked, self.says = 0, b"", [], None

    async def answer(self, request):
        body = await request.read()
        assert (request.method, request.path) == ("POST", "/w/add-checkpoint")
        self.asked.append(body)
        if self.says is not None:
            return self.says
        try:
            old, proof, note = read_add_request(body)
            origin = read_head(split_note(note)[0]).origin
        except CheckpointRefused:
            return web.Response(status=400)
        if origin != self.log.name:
            return web.Response(status=404)
        try:
            head = read(note, self.log)
        except CheckpointRefused:
            return web.Response(status=403)
        if old > head.size:
            return web.Response(status=400)
        if old != self.size or (old == head.size and head.root != self.root):
            return web.Response(status=409, body=f"{self.size}\n".encode(), content_type="text/x.tlog.size")
        if not (not proof if not old else continues(old, head.size, self.root, head.root, proof)):
            return web.Response(status=422)
        self.size, self.root = head.size, head.root
        return web.Response(text=cosign(head, self.own.name, self.key, int(time.time())))


@pytest.fixture
async def witnesses():
    """Three, each on a port of its own."""
    made = [Witness(f"w{n}.example/w") for n in range(3)]
    servers = []
    for each in made:
        server = RawTestServer(each.answer)
        await server.start_server()
        each.url = f"http://{server.host}:{server.port}/w"
        servers.append(server)
    yield made
    for server in servers:
        await server.close()


def asking(tmp_path, witnesses, quorum=0):
    tables = "".join(
        f'[[witnesses]]\nurl = "{each.url}/"\nvkey = "{each.own.vkey}"\nprivate = true\n'
        for each in witnesses
    )
    (tmp_path / "licet.toml").write_text(f"{tables}[witnessing]\nquorum = {quorum}\n")
    return witnessing_of(read_config(tmp_path))


async def grown(folder, store):
    log = await PublicLog.open(folder, NAME, KEY, store)
    await log.catch_up(store)
    return log


async def test_heads_are_cosigned_as_the_log_grows(tmp_path, witnesses):
    store, asks = Store(5), asking(tmp_path, witnesses)
    log = await grown(tmp_path / "log", store)
    trusted = Quorum(tuple(each.own for each in witnesses), 3)
    for size in (5, 6, 300, 5_000):
        store.count = size
        await log.catch_up(store)
        await asks.ask(log)
        for name in ("checkpoint", WITNESSED):
            note = (log.folder / name).read_text()
            head, seen = read_witnessed(note, log.key, trusted, int(time.time()))
            assert (head.size, len(seen)) == (size, 3)
        assert log.signed.note == note
        assert asks.reasons == {}
    assert [each.size for each in witnesses] == [5_000] * 3
    assert witnesses[0].asked[0].startswith(b"old 0\n\n" + NAME.encode())
    before = len(witnesses[0].asked)
    await asks.ask(log)
    assert len(witnesses[0].asked) == before, "without news nobody is asked"
    # The log opens again on a head that others signed too.
    assert (await PublicLog.open(log.folder, NAME, KEY, store)).head == log.head


async def test_a_restarted_log_learns_what_a_witness_knows(tmp_path, witnesses):
    store = Store(5)
    log = await grown(tmp_path / "log", store)
    await asking(tmp_path, witnesses[:1]).ask(log)
    store.count = 9
    await log.catch_up(store)
    again = asking(tmp_path, witnesses[:1])
    await again.ask(log)
    assert [body.split(b"\n")[0] for body in witnesses[0].asked] == [b"old 0", b"old 0", b"old 5"]
    assert again.reasons == {}
    assert witnesses[0].size == 9


async def test_a_quorum_is_reached_without_all_of_them(tmp_path, witnesses):
    log = await grown(tmp_path / "log", Store(5))
    witnesses[1].says = web.Response(status=503)
    asks = asking(tmp_path, witnesses, quorum=2)
    await asks.ask(log)
    assert set(asks.reasons) == {"w1.example/w"}
    trusted = Quorum(tuple(each.own for each in witnesses), 2)
    assert read_witnessed((log.folder / WITNESSED).read_text(), log.key, trusted, int(time.time()))
    # It comes back, and is asked again although there is no news.
    witnesses[1].says = None
    await asks.ask(log)
    assert asks.reasons == {}


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ((503, b""), "answers 503"),
        ((403, b""), "answers 403"),
        ((422, b""), "does not see our history continue"),
        ((409, b"x\n"), "does not see our history continue"),
        ((409, b"9999\n"), "has seen a head of 9999 entries, and ours has 5: an older state was restored"),
        ((409, b"3\n"), "told another size twice|does not see our history"),
        ((200, b""), "has no cosignature"),
        ((200, b"\xff\xfe"), "does not hold"),
        ((200, b"\n\n\n"), "does not hold"),
        ((302, b""), "cannot be asked: redirect"),
    ],
)  # fmt: skip
async def test_a_witness_that_does_not_cosign_is_told_and_stops_nothing(tmp_path, witnesses, says, why):
    log = await grown(tmp_path / "log", Store(5))
    note = log.signed.note
    status, body = says

    async def answer(request):
        return web.Response(status=status, body=body)

    witnesses[0].says = None
    server = RawTestServer(answer)
    await server.start_server()
    witnesses[0].url = f"http://{server.host}:{server.port}/w"
    asks = asking(tmp_path, witnesses[:1])
    await asks.ask(log)
    await server.close()
    (told,) = asks.reasons.values()
    assert any(each in told for each in why.split("|")), told
    assert log.signed.note == note
    assert not (log.folder / WITNESSED).exists()


async def test_another_history_is_cosigned_by_nobody_who_saw_the_first(tmp_path, witnesses):
    log = await grown(tmp_path / "log", Store(300))
    await asking(tmp_path, witnesses).ask(log)
    for size in (300, 400):
        forked = await grown(tmp_path / f"fork{size}", Store(size, " forked"))
        asks = asking(tmp_path, witnesses)
        await asks.ask(forked)
        assert len(asks.reasons) == 3
        assert all("does not see our history continue" in why for why in asks.reasons.values())
        assert not (forked.folder / WITNESSED).exists()
    rolled = await grown(tmp_path / "rolled", Store(200))
    asks = asking(tmp_path, witnesses)
    await asks.ask(rolled)
    assert all("an older state was restored" in why for why in asks.reasons.values())


async def test_nobody_is_asked_where_nothing_was_logged(tmp_path, witnesses):
    asks = asking(tmp_path, witnesses)
    await asks.ask(None)
    await asks.ask(await PublicLog.open(tmp_path / "log", NAME, KEY, Store(0)))
    assert witnesses[0].asked == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[witnesses]]\nurl = "https://w.example/"\nvkey = "x"\n', "witnesses.0.vkey"),
        ('[[witnesses]]\nurl = "http://w.example/"\nvkey = "{0}"\n', "witnesses.0.url"),
        ('[[witnesses]]\nurl = "https://w.example/"\nvkey = "{0}"\n[witnessing]\nquorum = 2\n', "witnessing.quorum"),
        ('[[witnesses]]\nurl = "https://w.example/"\nvkey = "{0}"\n' * 2, "witnessing.quorum"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_met_are_named(tmp_path, text, key):
    vkey = Witness("w.example/w").own.vkey
    (tmp_path / "licet.toml").write_text(text.format(vkey))
    with pytest.raises(ConfigurationError) as raised:
        witnessing_of(read_config(tmp_path))
    assert [each.key for each in raised.value.mistakes] == [key]


def test_without_witnesses_nobody_is_asked(tmp_path):
    assert witnessing_of(read_config(tmp_path)) is None


async def test_another_program_believes_our_cosignatures(tmp_path, witnesses):
    scales = pytest.importorskip(
        "tlog_scales.signing", reason="tlog-scales is absent (pip install tlog-scales)"
    )
    from tlog_scales import tlog

    log = await grown(tmp_path / "log", Store(300))
    await asking(tmp_path, witnesses).ask(log)
    checkpoint = tlog.Checkpoint.from_text((log.folder / WITNESSED).read_text())
    for each in witnesses:
        checkpoint.verify(scales.Vkey.from_string(each.own.vkey))
    with pytest.raises(Exception, match=r".*"):
        checkpoint.verify(scales.Vkey.from_string(Witness("w0.example/w").own.vkey))
