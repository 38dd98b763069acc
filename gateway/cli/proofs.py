"""`licet receipt`, and of `licet journal` what outsiders need: prove a record, verify a log."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, moment, stop, tell

if TYPE_CHECKING:
    from gateway.provenance.checkpoint import Checkpoint, LogKey
    from gateway.provenance.log_audit import LogReport, Read
    from gateway.provenance.receipts import Proven

app = typer.Typer(
    help="""Receipts: proofs that single records stand in a public log.

    A receipt is believed by whoever has the log's key and by nobody's word. The
    key is at /.licet/log/key of each site of the gateway.
    """,
    no_args_is_help=True,
)
Key = Annotated[
    str,
    typer.Option(
        "--key", metavar="VKEY", help="The log's key, as /.licet/log/key tells it; or a file of it."
    ),
]
_LIMIT = 1 << 24
_SECONDS = 20.0


@app.command()
def verify(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A receipt; - for standard input.")],
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Check a receipt, in our JSON or as a .tlog-proof.

    Needs the file and the key, and asks nobody. Prints what is proven. Exit 1
    where nothing is.

    \b
    licet receipt verify receipt.json --key journal.example/.licet/log+1a2b3c4d+AZ…
    """
    from gateway.keys.strict_json import Malformed, read_object
    from gateway.provenance.receipts import ReceiptRefused, verify_tlog_proof
    from gateway.provenance.receipts import verify as verified

    log = read_key(key)
    text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        if text.startswith(b"c2sp.org/"):
            proven: tuple[Proven, ...] = (verify_tlog_proof(text.decode("utf-8", "surrogateescape"), log),)
        else:
            proven = verified(read_object(text), log)
    except (ReceiptRefused, Malformed) as error:
        if as_json:
            emit({"good": False, "why": str(error)})
        raise stop(f"nothing is proven: {error}", 1) from None
    rows = [_told(each) for each in proven]
    if as_json:
        emit({"good": True, "records": rows})
        return
    for each in rows:
        print(
            f"proven   record {each['id']}, number {each['index']} of {each['size']} in the log {each['log']}"
        )
        for name in ("when", "what", "charged", "license"):
            if each[name]:
                print(f"{name:<8} {each[name]}")


def prove(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="Its id, as Licet-Record told it.")],
    text: Annotated[bool, typer.Option("--text", help="As a .tlog-proof (C2SP) instead of JSON.")] = False,
    data: Data = DATA,
    as_json: Annotated[  # noqa: ARG001 - every command takes --json; this one speaks nothing else unless told
        bool, typer.Option("--json", help="JSON, which is what it prints anyway.")
    ] = False,
) -> None:
    """Print what proves that a record stands in the log.

    Whoever is given it can check it with `licet receipt verify`, or without us.
    It holds the record, which its licensee and you may see.
    """
    from gateway.provenance.public_log import LogRefused
    from gateway.provenance.receipts import as_tlog_proof, receipts

    async def act() -> str:
        from gateway.cli.books import open_books
        from gateway.provenance.public_log import last_signed, tree
        from gateway.store.sqlite.leaves import SqliteLeaves

        async with open_books(data) as books:
            opened = await SqliteLeaves(books.database).opened(record)
        if opened is None:
            raise stop(f"there is no record {record}", 1)
        log = own_key(data)
        signed = last_signed(data / "log", log) if log else None
        if log is None or signed is None or opened.index >= signed.head.size:
            raise stop(
                "the public log does not hold it yet; a running gateway signs what is new every second", 1
            )
        size, nodes = signed.head.size, tree(data / "log", signed.head.size)
        if text:
            return as_tlog_proof(opened, size, signed.note, nodes)
        return json.dumps(receipts([opened], log, size, signed.note, nodes), ensure_ascii=False) + "\n"

    try:
        sys.stdout.write(asyncio.run(act()))
    except LogRefused as error:
        raise stop(str(error), 1) from None


def verify_log(
    place: Annotated[
        str, typer.Argument(metavar="[LOG]", help="Its folder or its URL; your own if left out.")
    ] = "",
    key: Key = "",
    since: Annotated[
        list[Path] | None,
        typer.Option("--since", metavar="FILE", help="A checkpoint of it that you kept; may be said again."),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="FILE", help="Write its checkpoint here, for the next time."),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", metavar="VKEY", help="A witness that you trust; may be said again."),
    ] = None,
    quorum: Annotated[
        int, typer.Option("--quorum", metavar="N", help="How many of them must have seen it; 0: all.")
    ] = 0,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Check a whole public log, from its head to its leaves.

    Every leaf is hashed again, every tile compared. For outsiders too: it needs the log's files and its key. Keep the checkpoint
    of today; with it tomorrow's look proves that history was only added to. With
    --witness a head counts only if witnesses that you trust cosigned it.

    \b
    licet journal verify https://journal.example/.licet/log --key journal.example/.licet/log+1a2b3c4d+AZ… --keep today
    licet journal verify https://journal.example/.licet/log --key … --since today
    """
    from gateway.provenance.checkpoint import CheckpointRefused, read
    from gateway.provenance.log_audit import audit_log

    log = read_key(key) if place or key else own_key(data)
    if log is None:
        raise stop(f"{data} has no log yet; a running gateway begins it")
    try:
        earlier = [read(file.read_text("utf-8", "surrogateescape"), log) for file in since or ()]
    except CheckpointRefused as error:
        raise stop(f"--since: {error}") from None
    where = place or str(data / "log")
    read_file = reader(where)
    progress = _Progress()

    async def act() -> LogReport:
        seen = [] if witness is None else [await _witnessed(read_file, log, witness, quorum)]
        heads = [*earlier, *(head for head in seen if not isinstance(head, str))]
        report = await audit_log(read_file, log, earlier=heads, seen=progress.seen)
        for why in seen:
            if isinstance(why, str):
                report.fault(f"the witnessed head is not believed: {why}")
        if keep is not None and report.ok:
            keep.write_bytes(await read_file("checkpoint"))
        return report

    report = asyncio.run(act())
    progress.end()
    _tell_log(report, log, earlier, as_json=as_json)
    raise typer.Exit(0 if report.ok else 1)


async def _witnessed(read_file: Read, log: LogKey, vkeys: list[str], needed: int) -> Checkpoint | str:
    """The head that enough witnesses saw, or why there is none."""
    import time

    from gateway.provenance.checkpoint import CheckpointRefused
    from gateway.provenance.cosignature import Quorum, WitnessKey, read_witnessed
    from gateway.provenance.public_log import CHECKPOINT, WITNESSED

    try:
        trusted = Quorum(tuple(map(WitnessKey.read, vkeys)), needed or len(vkeys))
    except CheckpointRefused as error:
        raise stop(f"--witness: {error}") from None
    except ValueError as error:
        raise stop(f"--quorum: {error}") from None
    why = ""
    for name in (WITNESSED, CHECKPOINT):
        try:
            note = (await read_file(name)).decode("utf-8", "surrogateescape")
            return read_witnessed(note, log, trusted, int(time.time()))[0]
        except (CheckpointRefused, OSError) as error:
            why = why or str(error)
    return why


def _tell_log(report: LogReport, log: LogKey, earlier: list[Checkpoint], *, as_json: bool) -> None:
    head = report.head
    if as_json:
        emit(
            {
                "good": report.ok,
                "log": log.vkey,
                **_head(head),
                "tiles": report.tiles,
                "faults": report.faults,
            }
        )
    else:
        if head is not None:
            print(
                f"log      {head.origin}: {counted(report.leaves, 'leaf', 'leaves')}, {counted(report.tiles, 'tile')}"
            )
            print(f"root     {head.root.hex()}")
            for each in earlier:
                print(f"since    {counted(each.size, 'leaf', 'leaves')}")
        for fault in report.faults:
            print(f"WRONG    {fault}")
        print(
            "good: the log holds what its head signs"
            if report.ok
            else f"NOT GOOD: {counted(report.fault_count, 'fault')}"
        )


def own_key(data: Path) -> LogKey | None:
    """The key of the log in the data folder *data*, or None where there is none yet."""
    from gateway.app.log_keeping import NAME
    from gateway.clock import SystemClock
    from gateway.keys.key_ring import KeyRing
    from gateway.provenance.checkpoint import LogKey

    folder, name = data / "keys" / "log", data / "log" / NAME
    if not KeyRing.exists(folder) or not name.is_file():
        return None
    key: Any = KeyRing.open(folder, SystemClock()).current.key
    return LogKey(name.read_text("utf-8").strip(), key.public_key())


def read_key(told: str) -> LogKey:
    """The log's key that somebody gave: a vkey, or a file of one."""
    from gateway.provenance.checkpoint import CheckpointRefused, LogKey

    if not told:
        raise stop("--key is missing: who verifies must know the log's key from elsewhere")
    try:
        return LogKey.read(Path(told).read_text("utf-8") if "+" not in told else told)
    except (CheckpointRefused, UnicodeDecodeError) as error:
        raise stop(f"--key: {error}") from None


def reader(place: str) -> Read:
    """Reads the files of the log at a URL or in a folder."""
    from gateway.provenance.public_log import cut, read_tile
    from gateway.provenance.tiles import WIDTH, Tile

    if not place.lower().startswith(("http://", "https://")):
        folder = Path(place)

        async def of_folder(path: str) -> bytes:
            tile = Tile.read(path)
            return read_tile(folder, tile) if tile else (folder / path).read_bytes()

        return of_folder

    import aiohttp

    # Whoever types a URL may ask it; that is no fetch on a stranger's word.
    async def got(path: str) -> bytes:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"{place.rstrip('/')}/{path}", allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise FileNotFoundError(f"{answer.status} was answered")
                return await answer.content.read(_LIMIT)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OSError(f"it cannot be fetched: {error or type(error).__name__}") from None

    async def of_url(path: str) -> bytes:
        try:
            return await got(path)
        except FileNotFoundError:
            # A static host may have the whole one in its place by now.
            tile = Tile.read(path)
            if tile is None or tile.width == WIDTH:
                raise
            return cut(await got(Tile(tile.level, tile.index).path), tile)

    return of_url


class _Progress:
    """Tells a person how far a long look is."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = -1

    def seen(self, done: int, size: int) -> None:
        percent = done * 100 // size if size else 100
        if self._shown and percent != self._last:
            self._last = percent
            print(f"\r{percent:3d} % of {size} leaves", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._shown and self._last >= 0:
            tell("")


def _head(head: Checkpoint | None) -> dict[str, object]:
    return {} if head is None else {"origin": head.origin, "size": head.size, "root": head.root.hex()}


def _told(proven: Proven) -> dict[str, object]:
    from gateway.money import Money

    entry: Any = proven.entry
    money = getattr(entry, "charged_micros", None)
    micros = money if money is not None else getattr(entry, "amount_micros", 0)
    currency = getattr(entry, "currency", "")
    what = (
        f"{entry.method} {entry.host}{entry.path} {entry.status} {entry.crawler}".strip()
        if entry.kind == "fetch"
        else getattr(entry, "kind_of", entry.kind)
    )
    return {
        "id": entry.id,
        "index": proven.index,
        "size": proven.checkpoint.size,
        "log": proven.checkpoint.origin,
        "when": moment(entry.time_us // 1_000_000),
        "what": what,
        "charged": str(Money(micros, currency)) if currency else "",
        "license": getattr(entry, "license", ""),
        "record": json.loads(entry.canonical()),
    }
