"""`licet keys`: the keys that sign license tokens, and those that sign our own requests."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, moment, table, tell

if TYPE_CHECKING:
    from gateway.keys.key_ring import KeyRing

app = typer.Typer(
    help="""The keys that sign license tokens: make, rotate, list, revoke.

    --ring identity are the keys that sign what the gateway fetches, --ring origin
    those that sign what goes to your own server.

    There is always one that signs and a next one that is published already, so
    that a rotation surprises nobody. Files: DATA/keys/tokens, readable by you alone.
    """,
    no_args_is_help=True,
)


class Ring(StrEnum):
    """What a ring of keys is for."""

    TOKENS = "tokens"
    IDENTITY = "identity"
    ORIGIN = "origin"


Which = Annotated[Ring, typer.Option("--ring", help="Which keys.")]


def _open(data: Path, ring: Ring = Ring.TOKENS) -> KeyRing:
    from gateway.clock import SystemClock
    from gateway.keys.key_ring import KeyRing

    return KeyRing.open(data / "keys" / ring, SystemClock())


def _now() -> int:
    from gateway.clock import SystemClock

    return SystemClock().now_us() // 1_000_000


def _say(ring: KeyRing, sentence: str, *, as_json: bool) -> None:
    if as_json:
        emit({"signing": ring.current.kid, "keys": [row.as_json() for row in ring.list()]})
    else:
        tell(sentence)


@app.command()
def new(
    data: Data = DATA,
    algorithm: Annotated[str, typer.Option(metavar="NAME", help="ES256, or EdDSA.")] = "ES256",
    as_json: AsJson = False,
) -> None:
    """Make the first keys of a data folder.

    `licet serve` does it by itself; keys that exist are never overwritten.
    """
    from gateway.clock import SystemClock
    from gateway.keys.key_ring import KeyRing

    folder = data / "keys" / "tokens"
    for each in (data, folder.parent):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    ring = KeyRing.create(folder, algorithm, clock=SystemClock())
    _say(ring, f"made {ring.current.kid} in {folder}", as_json=as_json)


@app.command()
def rotate(data: Data = DATA, which: Which = Ring.TOKENS, as_json: AsJson = False) -> None:
    """Sign with the next key from now on.

    The old one still verifies until its last token has lapsed, a day and a
    little; for a key that leaked use `licet keys revoke`. A running gateway
    takes it up by itself.
    """
    ring = _open(data, which)
    ring.rotate(_now())
    _say(
        ring, f"now signing with {ring.current.kid}; a running gateway takes it up by itself", as_json=as_json
    )


@app.command("list")
def list_(data: Data = DATA, which: Which = Ring.TOKENS, as_json: AsJson = False) -> None:
    """List every key with its state.

    next: published, will sign after a rotation. current: signs. retiring:
    verifies until its last token has lapsed. revoked: verifies nothing.
    """
    rows = _open(data, which).list()
    if as_json:
        emit([row.as_json() for row in rows])
        return
    table(
        ("key", "algorithm", "state", "made", "until"),
        [
            (
                row.kid,
                row.public.algorithm,
                str(row.state),
                moment(row.created_at),
                moment(row.use_until),
            )
            for row in rows
        ],
    )


@app.command()
def revoke(
    kid: Annotated[str, typer.Argument(metavar="KEY", help="Id of the key; `licet keys list` shows them.")],
    data: Data = DATA,
    which: Which = Ring.TOKENS,
    as_json: AsJson = False,
) -> None:
    """Stop trusting a key at once. For one that leaked.

    Every token it signed is refused within a second; their licenses stand, and
    their holders fetch new tokens. If it was the one that signs, the next one takes over.
    """
    ring = _open(data, which)
    ring.revoke(kid, _now())
    _say(ring, f"{kid} is revoked; a running gateway refuses its tokens within a second", as_json=as_json)
