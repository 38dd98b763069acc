"""The `licet` command: teaches in `--help`, data on stdout, talk on stderr.

Exit codes: 0 done, 1 the answer is no or something was found wrong, 2 the
command, the configuration or the machine does not allow it. `--json` prints
one JSON value (or one a line) and nothing else on stdout. Heavy libraries are
imported inside the commands, so that `licet --help` stays quick.
"""

from __future__ import annotations

import sys

import typer

from gateway.cli import backup, doctor, fetch, journal, keys, licensee, policy, serve, statement, tour
from gateway.problems import ConfigurationError, StoreUnavailable

app = typer.Typer(
    name="licet",
    help="""The gate that gets creators paid when machines read.

    Put it in front of a site: people notice nothing; AI crawlers meet your
    terms, buy a token by machine, are held to it, and leave a record.

    First minute:   licet demo
    Your own site:  licet serve --upstream http://localhost:8000
    Your rules:     licet init, licet policy check, licet policy explain URL --as GPTBot
    """,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("demo")(tour.demo)
app.command("init")(policy.init)
app.add_typer(policy.app, name="policy")
app.add_typer(keys.app, name="keys")
app.add_typer(journal.app, name="journal")
app.add_typer(licensee.app, name="licensee")
app.command("statement")(statement.statement)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("fetch")(fetch.fetch)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command; configuration mistakes are told as sentences, not as tracebacks."""
    _log_to_stderr()
    try:
        app()
    except ConfigurationError as error:
        for mistake in error.mistakes:
            print(f"licet: {mistake}", file=sys.stderr)
        raise SystemExit(2) from None
    except StoreUnavailable as error:
        print(f"licet: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except (KeyboardInterrupt, BrokenPipeError):
        raise SystemExit(2) from None


def _log_to_stderr() -> None:
    """Keep stdout for data: every log line of every room goes to stderr."""
    import logging

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    if "structlog" in sys.modules or any(each in sys.argv for each in ("serve", "demo")):
        import structlog

        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
