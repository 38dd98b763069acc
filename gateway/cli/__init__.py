"""The `licet` command: teaches in `--help`, data on stdout, talk on stderr.

Exit codes: 0 done, 1 the answer is no or something was found wrong, 2 the
command, the configuration or the machine does not allow it. `--json` prints
one JSON value (or one a line) and nothing else on stdout. Heavy libraries are
imported inside the commands, so that `licet --help` stays quick.
"""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from gateway.cli import (
    accounts,
    archives,
    auditors,
    audits,
    author_payouts,
    authors,
    authorship,
    backup,
    bundles,
    claims,
    crawlers,
    dashboard,
    deals,
    deploy,
    disputes,
    doctor,
    dossier,
    duties,
    ems,
    evidence_bundles,
    exporting,
    fetch,
    ingest,
    init,
    invoices,
    journal,
    keys,
    licensee,
    licenses,
    listen,
    mcp,
    memo,
    milestones,
    noting,
    objections,
    outbox,
    past,
    payments,
    policy,
    portable,
    price,
    proofs,
    reconcile_access,
    reconciling,
    refunds,
    report,
    restart,
    retention,
    rsl,
    serve,
    shelving,
    statement,
    store,
    terms,
    tour,
    who,
    withdraw,
)
from gateway.problems import ConfigurationError, StoreUnavailable

#: What a command that is ended by Ctrl-C exits with.
_INTERRUPTED: Final = 130

app = typer.Typer(
    name="licet",
    help="""The gate that gets creators paid when machines read.

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
    """,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(tour.demo)
app.command("serve")(serve.serve)
app.command("restart")(restart.restart)
app.command("init")(init.init)
app.command("ingest")(ingest.ingest)
app.command("report")(report.report)
app.command("past")(past.past)
app.add_typer(policy.app, name="policy")
app.add_typer(terms.app, name="terms")
app.add_typer(crawlers.app, name="crawlers")
app.add_typer(rsl.app, name="rsl")
licensee.app.command("agent")(accounts.agent)
licensee.app.command("limit")(accounts.limit)
licensee.app.command("refund")(refunds.refund)
app.add_typer(licensee.app, name="licensee")
app.add_typer(deals.app, name="deals")
app.add_typer(licenses.app, name="licenses")
app.add_typer(bundles.app, name="bundle")
app.add_typer(duties.app, name="duties")
app.add_typer(milestones.app, name="milestones")
app.add_typer(claims.app, name="claims")
app.add_typer(audits.app, name="audits")
app.add_typer(auditors.app, name="auditors")
app.command("memo")(memo.memo)
app.command("dossier")(dossier.dossier)
app.command("price")(price.price)
app.add_typer(outbox.app, name="outbox")
app.command("listen")(listen.listen)
app.add_typer(withdraw.app, name="withdraw")
app.add_typer(objections.app, name="objections")
app.add_typer(authors.app, name="authors")
app.add_typer(authorship.app, name="authorship")
app.command("statement")(statement.statement)
app.command("reconcile-access")(reconcile_access.reconcile_access)
app.add_typer(invoices.app, name="invoices")
app.add_typer(disputes.app, name="disputes")
app.add_typer(author_payouts.app, name="payouts")
app.command("payments")(payments.payments)
app.command("reconcile")(reconciling.reconcile)
app.add_typer(reconciling.app, name="books")
journal.app.command("export")(exporting.export)
journal.app.command("check")(archives.check)
journal.app.command("prove")(proofs.prove)
journal.app.command("verify")(proofs.verify_log)
journal.app.command("bundle")(evidence_bundles.bundle)
journal.app.command("sizes")(shelving.sizes)
journal.app.command("shelve")(shelving.shelve)
journal.app.command("bring-back")(shelving.bring_back)
app.add_typer(journal.app, name="journal")
app.add_typer(proofs.app, name="receipt")
app.command("audit")(evidence_bundles.audit)
app.add_typer(keys.app, name="keys")
app.add_typer(ems.app, name="ems")
app.add_typer(dashboard.app, name="dashboard")
app.add_typer(portable.app, name="config")
app.command("retention")(retention.retention)
app.command("erase")(retention.erase)
app.add_typer(store.app, name="store")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("deploy")(deploy.deploy)
app.command("doctor")(doctor.doctor)
app.command("fetch")(fetch.fetch)
app.command("mcp")(mcp.mcp)
app.command("who")(who.who)


def _version(asked: bool) -> None:
    if asked:
        from gateway import __version__

        print(f"licet {__version__}")
        raise typer.Exit


@app.callback()
def _about(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command; whatever a person can mend is told as sentences, not as a traceback."""
    _log_to_stderr()
    try:
        noting.noting(typer.main.get_command(app))(prog_name="licet")
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
