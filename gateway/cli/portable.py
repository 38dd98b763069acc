"""`licet config`: the whole configuration as one file, and what another one would change."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, stop, table, tell

if TYPE_CHECKING:
    from gateway.app.portable import Change, Portable

app = typer.Typer(
    help="""The whole configuration as one file: settings, policies, people.

    Secrets, password hashes and floors are not in it, unless you ask; importing
    keeps those that stand. What was exported changes nothing when it is
    imported again.
    """,
    no_args_is_help=True,
)
File = Annotated[
    str, typer.Argument(metavar="FILE", help="What `licet config export` printed; - for standard input.")
]


@app.command()
def export(
    positions: Annotated[
        bool, typer.Option("--with-positions", help="Put in floors and targets: for your own machines alone.")
    ] = False,
    hashes: Annotated[bool, typer.Option("--with-hashes", help="Put in the hashes of passwords.")] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Print the configuration as one TOML file.

    The same folder gives the same octets, so that the file can be kept under
    version control. Certificates, keys and the books are not in it; `licet
    backup` keeps those.

    \b
    licet config export > licet-config.toml
    """
    from gateway.app.portable import taken, written

    found = taken(_folder(data), positions=positions, hashes=hashes)
    if as_json:
        emit(asdict(found))
    else:
        sys.stdout.write(written(found))


@app.command("import")
def import_(
    file: File,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and show what would change; do nothing.")
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Check a configuration whole, then put it in place.

    Every mistake is told at once, by file and key, and then nothing is done. A
    running gateway takes up policies and people within seconds, settings when
    it starts anew. Doing it twice changes nothing.
    """
    from gateway.app.portable import checked, proposed, put
    from gateway.clock import SystemClock

    folder = data
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = _read(file)
    changes = proposed(folder, wanted)
    checked(folder, wanted)
    if not dry_run:
        put(folder, wanted, SystemClock().now_us())
    _show(changes, as_json=as_json, none="nothing to change")


@app.command()
def diff(file: File, data: Data = DATA, as_json: AsJson = False) -> None:
    """Show what importing a file would change.

    By file and key, before and after. Exit 1 where there is a difference, as
    diff does.
    """
    from gateway.app.portable import proposed

    changes = proposed(_folder(data), _read(file))
    _show(changes, as_json=as_json, none="no difference")
    raise typer.Exit(1 if changes else 0)


def _show(changes: tuple[Change, ...], *, as_json: bool, none: str) -> None:
    if as_json:
        emit([asdict(each) for each in changes])
    elif changes:
        table(
            ("file", "key", "before", "after"),
            [(each.file, each.key or "-", _line(each.before), _line(each.after)) for each in changes],
        )
    else:
        tell(none)


def _line(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return (shown[:60] + "…" if len(shown) > 60 else shown) or "-"


def _read(file: str) -> Portable:
    from gateway.app.portable import read

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise stop(f"{file} is not UTF-8") from None
    return read(text, file)


def _folder(data: Path) -> Path:
    if not data.is_dir():
        raise stop(f"{data} is no data folder of licet; `licet serve --upstream …` makes one")
    return data
