"""The `licet` command: teaches in `--help`, data on stdout, talk on stderr.

Exit codes: 0 done, 1 the answer is no or something was found wrong, 2 the
command, the configuration or the machine does not allow it. `--json` prints
one JSON value (or one a line) and nothing else on stdout. Heavy libraries are
imported inside the commands, so that `licet --help` stays quick.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Annotated, Final

import typer

from gateway.cli import noting
from gateway.problems import ConfigurationError, StoreUnavailable

#: What a command that is ended by Ctrl-C exits with.
_INTERRUPTED: Final = 130

_HELP: Final = """The gate that gets creators paid when machines read.

    Put it in front of a site: people notice nothing; AI crawlers meet your
    terms, buy a token by machine, are held to it, and leave a record.

    \b
    First minute    licet demo
    Before that     licet ingest access.log
                    licet report --past --html past.html
                    licet past
    Your own site   licet serve --upstream http://localhost:8000
    Your rules      licet init
                    licet policy check
                    licet policy explain /page --as GPTBot
                    licet terms show /page --as GPTBot
    Who asks        licet crawlers list --purpose training
                    licet who access.log
    Your deals      licet deals list
                    licet outbox list
                    licet listen --forward-to http://localhost:9000/hook
    Your customers  licet licensee add "Example AI Labs" --credit "10 USD"
                    licet statement LICENSEE --period 2026-11
                    licet invoices issue LICENSEE --period 2026-10
    Take back       licet withdraw WORK --reason "…" --dry-run
    Your worth      licet memo --pdf memo.pdf
                    licet price --files 120 --minutes 12
                    licet dossier OpenAI
    Your proof      licet journal audit
    Your books      licet reconcile
                    licet books check
                    licet journal verify
                    licet journal bundle --licensee LICENSEE --period 2026-11 --out nov.zip
                    licet backup licet.tar

    \b
    Everything is kept in one folder: --data, else $LICET_DATA, else ./licet-data.
    Answers go to stdout, talk to stderr; --json makes the answers JSON.
    Exit codes: 0 done; 1 the answer is no, or something is wrong; 2 it cannot be done so.
    """
#: Each command and group of commands, in the order of `--help`, and where it is: a function, or a group's ``app``.
_PLACES: Final = {
    "demo": "tour:demo",
    "serve": "serve:serve",
    "restart": "restart:restart",
    "init": "init:init",
    "ingest": "ingest:ingest",
    "report": "report:report",
    "past": "past:past",
    "policy": "policy:app",
    "terms": "terms:app",
    "crawlers": "crawlers:app",
    "rsl": "rsl:app",
    "licensee": "licensee:app",
    "licensee agent": "accounts:agent",
    "licensee limit": "accounts:limit",
    "licensee refund": "refunds:refund",
    "deals": "deals:app",
    "licenses": "licenses:app",
    "bundle": "bundles:app",
    "duties": "duties:app",
    "milestones": "milestones:app",
    "claims": "claims:app",
    "audits": "audits:app",
    "auditors": "auditors:app",
    "memo": "memo:memo",
    "dossier": "dossier:dossier",
    "price": "price:price",
    "outbox": "outbox:app",
    "listen": "listen:listen",
    "withdraw": "withdraw:app",
    "objections": "objections:app",
    "authors": "authors:app",
    "authorship": "authorship:app",
    "statement": "statement:statement",
    "reconcile-access": "reconcile_access:reconcile_access",
    "invoices": "invoices:app",
    "disputes": "disputes:app",
    "payouts": "author_payouts:app",
    "payments": "payments:payments",
    "reconcile": "reconciling:reconcile",
    "books": "reconciling:app",
    "journal": "journal:app",
    "journal export": "exporting:export",
    "journal check": "archives:check",
    "journal prove": "proofs:prove",
    "journal verify": "proofs:verify_log",
    "journal bundle": "evidence_bundles:bundle",
    "journal sizes": "shelving:sizes",
    "journal shelve": "shelving:shelve",
    "journal bring-back": "shelving:bring_back",
    "receipt": "proofs:app",
    "audit": "evidence_bundles:audit",
    "keys": "keys:app",
    "ems": "ems:app",
    "dashboard": "dashboard:app",
    "config": "portable:app",
    "retention": "retention:retention",
    "erase": "retention:erase",
    "store": "store:app",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "deploy": "deploy:deploy",
    "doctor": "doctor:doctor",
    "fetch": "fetch:fetch",
    "mcp": "mcp:mcp",
    "who": "who:who",
}


def _version(asked: bool) -> None:
    if asked:
        from gateway import __version__

        print(f"licet {__version__}")
        raise typer.Exit


def _about(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


@cache
def commands(first: str = "") -> typer.Typer:
    """The commands; where *first* is one or a group of them, with that alone, which is quicker.

    A command is imported with all that its options need, and there are many.
    """
    whole = typer.Typer(
        name="licet",
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    whole.callback()(_about)
    groups = {}
    for name, place in _PLACES.items():
        top, _, below = name.partition(" ")
        if first in _PLACES and top != first:
            continue
        module, _, attribute = place.partition(":")
        found = getattr(importlib.import_module(f"gateway.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            groups[name] = found
            whole.add_typer(found, name=name)
        elif below:
            groups[top].command(below)(found)
        else:
            whole.command(name)(found)
    return whole


def __getattr__(name: str) -> object:
    """Import every command when `app`, which is all of them, is asked for."""
    if name == "app":
        return commands()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """Run the command; whatever a person can mend is told as sentences, not as a traceback."""
    _log_to_stderr()
    try:
        noting.noting(typer.main.get_command(commands(*sys.argv[1:2])))(prog_name="licet")
    except ConfigurationError as error:
        _end(error, *map(str, error.mistakes))
    except StoreUnavailable as error:
        _end(error, str(error))
    except ModuleNotFoundError as error:
        if (error.name or "gateway").partition(".")[0] == "gateway":
            raise
        _end(error, f"{error.name} is not installed; this command needs pip install 'licet[server]'")
    except OSError as error:
        place = f"{error.filename}: " if error.filename is not None else ""
        _end(error, f"{place}{error.strerror or error}")
    except KeyboardInterrupt as error:
        _end(error, "interrupted")
    except SystemExit as error:
        # The library's own end of a command that was interrupted, which says nothing.
        if error.code == _INTERRUPTED:
            print("licet: interrupted", file=sys.stderr)
        raise


def _end(error: BaseException, *sentences: str) -> None:
    """Print *sentences*, or where they say nothing what kind of *error* it is, and exit with 2."""
    for sentence in [each for each in sentences if each.strip()] or [f"ended by {type(error).__name__}"]:
        print(f"licet: {sentence}", file=sys.stderr)
    raise SystemExit(2) from None


def _log_to_stderr() -> None:
    """Keep stdout for data: every log line of every room goes to stderr, as plain text."""
    import logging

    if any(each in sys.argv for each in ("serve", "demo")):
        from gateway.app.timers import log_to_stderr

        # The demo's lines are the story; sales and reloads are told by a gateway of one's own.
        log_to_stderr(logging.WARNING if "demo" in sys.argv else logging.INFO)
        return
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="licet: %(levelname)s %(message)s")
    logging.addLevelName(logging.WARNING, "warning")
    logging.addLevelName(logging.ERROR, "error")
