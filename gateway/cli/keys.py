"""`licet keys`: the keys that sign license tokens."""

from __future__ import annotations

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, table, tell

app = typer.Typer(help="The keys that sign license tokens: make, rotate, list.", no_args_is_help=True)


@app.command()
def new(data: Data = DATA, algorithm: str = typer.Option("ES256", help="ES256, or EdDSA.")) -> None:
    """Make the first key of this data folder. `licet serve` does it by itself."""
    from gateway.clock import SystemClock
    from gateway.keys.key_ring import KeyRing

    ring = KeyRing.create(data / "keys" / "tokens", algorithm, clock=SystemClock())
    tell(f"made {ring.current.kid} in {data / 'keys' / 'tokens'}")


@app.command()
def rotate(data: Data = DATA) -> None:
    """Sign with a new key from now on; the old one still verifies until its last token has lapsed."""
    from gateway.clock import SystemClock
    from gateway.keys.key_ring import KeyRing

    clock = SystemClock()
    ring = KeyRing.open(data / "keys" / "tokens", clock)
    ring.rotate(clock.now_us() // 1_000_000)
    tell(f"now signing with {ring.current.kid}; a running gateway picks it up by itself")


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """Every key with its state: next, current, retiring, revoked."""
    from gateway.clock import SystemClock
    from gateway.keys.key_ring import KeyRing

    rows = KeyRing.open(data / "keys" / "tokens", SystemClock()).list()
    if as_json:
        emit([row.as_json() for row in rows])
        return
    table(("key", "algorithm", "state"), [(row.kid, row.public.algorithm, str(row.state)) for row in rows])


@app.command()
def revoke(kid: str, data: Data = DATA) -> None:
    """Stop trusting a key at once: every token it signed is refused. For a key that leaked."""
    from gateway.clock import SystemClock
    from gateway.keys.key_ring import KeyRing

    clock = SystemClock()
    KeyRing.open(data / "keys" / "tokens", clock).revoke(kid, clock.now_us() // 1_000_000)
    tell(f"{kid} is revoked; a running gateway refuses its tokens within a second")
