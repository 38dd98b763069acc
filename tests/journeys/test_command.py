"""The `licet` command as whoever types it meets it: words, columns, JSON, exit codes, mistakes."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import apsw
import pytest
import typer

from gateway import __version__
from gateway.cli import app, main
from gateway.cli.books import open_books
from gateway.policy.first_policy import first_policy

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
MONTH = datetime.now(UTC).strftime("%Y-%m")
#: Too heavy for `licet --help`: each takes longer to import than the help to print.
HEAVY = (
    "aiohttp",
    "apsw",
    "pydantic",
    "jwt",
    "cryptography",
    "lxml",
    "structlog",
    "gateway.app",
    "gateway.config",
)


#: The tree of all commands, which takes a while to make.
WHOLE = typer.main.get_command(app)


def _commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []

    def walk(command, path: tuple[str, ...]) -> None:
        if getattr(command, "commands", None):
            for name, inner in command.commands.items():
                walk(inner, (*path, name))
        else:
            found.append(path)

    walk(WHOLE, ())
    return found


COMMANDS = _commands()


def _found(path: tuple[str, ...]) -> Any:
    command = WHOLE
    for name in path:
        command = command.commands[name]
    return command


def test_the_commands_are_those_that_were_promised() -> None:
    assert {" ".join(path) for path in COMMANDS} == {
        "serve", "demo", "init", "ingest", "report", "past", "listen", "policy check", "policy explain", "policy lint", "policy honeypot", "policy history", "keys new", "keys rotate",
        "keys list", "keys revoke", "journal export", "journal audit", "journal prove", "journal verify", "journal bundle", "journal pack", "journal sizes", "journal shelve",
        "journal bring-back", "journal check", "audit", "receipt verify", "licensee add", "licensee list", "licensee credit", "licensee place", "licensee suspend", "licensee agent",
        "licensee limit", "statement", "backup", "restore", "fetch", "mcp", "doctor", "deploy", "reconcile-access", "restart",
        "who", "store move", "store share", "store machines",
         "memo", "price", "dossier", "ems encrypt", "ems decrypt", "terms show", "terms export", "payments", "licensee refund",
        "crawlers list", "crawlers show", "crawlers check", "crawlers update", "rsl lint",
        "deals list", "deals show", "deals offer", "deals decline",
        "licenses list", "licenses show", "licenses suspend", "licenses resume", "licenses revoke", "licenses amend",
        "bundle make", "bundle list", "bundle show", "bundle verify", "bundle progress",
        "claims add", "claims list", "claims withdraw", "milestones list", "milestones funded", "milestones met", "milestones dispute", "milestones settle", "milestones refund", "books authors", "books rate add", "books rate list",
        "duties list", "duties show", "duties evidence", "duties accept", "duties reject", "duties excuse", "duties veto",
        "audits list", "audits show", "audits request", "audits name", "audits bind", "audits findings", "audits close",
        "audits cancel", "auditors add", "auditors list", "auditors revoke", "auditors looks", "retention", "erase",
        "withdraw issue", "withdraw list", "withdraw show", "withdraw readmit",
        "objections list", "objections show", "objections hold", "objections uphold", "objections dismiss", "objections erase",
        "authors ask", "authors list", "authors forget", "authorship add", "authorship show", "authorship export",
        "invoices list", "invoices issue", "invoices show", "invoices credit", "invoices pay", "invoices write-off", "invoices party",
        "payouts authors", "payouts list", "payouts payee", "payouts plan", "payouts plan-authors", "payouts send", "payouts sepa", "payouts settle",
        "disputes list", "disputes show", "disputes accept", "disputes reject",
        "reconcile", "books check", "books export",
        "dashboard people add", "dashboard people list", "dashboard people role", "dashboard people disable", "dashboard people enable",
        "dashboard people remove", "dashboard people reset", "dashboard keys add", "dashboard keys list", "dashboard keys revoke", "config export", "config import", "config diff",
        "outbox list", "outbox show", "outbox retry", "outbox test",
    }  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_speaks_json_and_teaches(path: tuple[str, ...]) -> None:
    # What a model hears is JSON-RPC and nothing else.
    command = _found(path)
    assert path == ("mcp",) or "--json" in {option for param in command.params for option in param.opts}
    # The list of commands shows a whole sentence, and behind it there is more to learn.
    first, _, rest = (command.help or "").partition("\n")
    assert len(first) <= 60, first
    assert first.endswith((".", "?")), first
    assert len(rest.split()) > 8, path
    for param in command.params:
        assert getattr(param, "help", "") or param.name == "help", param.name


def test_help_is_quick_because_it_loads_nothing_heavy() -> None:
    program = f"""
import json, sys, gateway.cli
sys.argv = ["licet", "--help"]
try:
    gateway.cli.main()
except SystemExit as end:
    assert not end.code
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(told.stderr) == []
    assert "licet serve --upstream http://localhost:8000\n" in told.stdout


async def test_version_and_a_command_that_is_none(licet) -> None:
    assert (await licet("--version")).out == f"licet {__version__}\n"
    assert "No such command" in (await licet("sevre", code=2)).err
    assert "Usage: licet" in (await licet("keys", code=2)).err


MISTAKES = [
    ("licensee list", "licet-data is no data folder of licet"),
    ("licensee add X --credit 10", "money is written as 10 USD"),
    ("licensee add X --credit '0 USD'", "more than nothing"),
    ("licensee add ''", "a name is printable text"),
    ("licensee agent le_1 http://bot.example", "a signature agent is an address such as https://bot.example"),
    ("licensee agent le_1 --remove", "say which agent to remove"),
    ("licensee limit le_1 50", "money is written as 10 USD"),
    ("statement le_1 --period 2026-13", "--period"),
    ("statement le_1 --period 2026-11", "no data folder"),
    ("statement le_1 --period 2026-11 --csv --json", "exclude each other"),
    ("journal export", "is no journal"),
    ("journal audit", "no data folder"),
    ("journal bundle --licensee le_1 --period 2026-11 --out x.zip", "no data folder"),
    ("journal bundle --licensee le_1 --period 2026 --out x.zip", "--period"),
    ("audit nowhere.zip", "nowhere.zip: No such file"),
    ("keys list", "licet keys new"),
    ("keys rotate", "licet keys new"),
    ("keys new --algorithm RS256", "ES256 or EdDSA"),
    ("policy check", "no policy file in licet-data/sites"),
    ("policy check nowhere.toml", "there is no nowhere.toml"),
    ("policy explain / --as Nobot", "no crawler of the catalog is called 'Nobot'"),
    ("policy explain / --use reading", "--use is one of"),
    ("policy explain / --country UK", "such as GB"),
    ("policy explain / --as GPTBot --proof sure", "--proof is one of"),
    ("policy explain http://[ --as GPTBot", "is no URL"),
    ("init --stance greedy", "there is no stance"),
    ("init", "nobody answered"),
    ("init --upstream ftp://x --host a.example", "origin"),
    ("init --upstream http://x --host ../a", "is a host name"),
    ("backup licet.tar", "no data folder"),
    ("restore licet.tar", "there is no licet.tar"),
    ("fetch ftp://x/", "ftp://x/"),
    ("fetch nonsense", "nonsense"),
    ("fetch http://127.0.0.1:1/ --max-price much", "--max-price"),
    ("dashboard", "no data folder"),
    ("doctor --nonsense", "No such option"),
    ("reconcile", "no data folder"),
    ("reconcile --receipts nowhere.jsonl", "nowhere.jsonl: No such file"),
    ("books check", "no data folder"),
    ("books export", "no data folder"),
    ("books export --format ledger", "--format is beancount or hledger"),
    ("duties list", "no data folder"),
    ("duties reject du_1", "Missing option '--why'"),
    ("duties evidence du_1 .", "is there already"),
    ("audits request li_1 --from x --to 2026-10-01 --item / --why low", "--from is a day such as 2026-10-01"),
    ("audits findings au_1 nowhere.json", "there is no nowhere.json"),
]


@pytest.mark.parametrize(("line", "sentence"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_told_in_a_sentence_and_leaves_nothing(
    tmp_path, monkeypatch, capsys, line: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["licet", *shlex.split(line)])
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(SystemExit) as end:
        main()
    told = capsys.readouterr()
    assert (end.value.code, told.out) == (2, "")
    assert sentence in told.err
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


async def test_a_file_where_the_data_folder_should_be(licet) -> None:
    (licet.folder / "file").write_text("x")
    for line in (
        ("serve", "--upstream", "http://127.0.0.1:1"), ("keys", "new"), ("licensee", "list"), ("dashboard",),
        ("init", "--upstream", "http://127.0.0.1:1", "--host", "*"), ("journal", "audit"),
    ):  # fmt: skip
        done = await licet(*line, "--data", "file", code=2)
        assert "file" in done.err
    assert "bad   data folder  file is no folder" in (await licet("doctor", "--data", "file", code=1)).out


async def test_init_check_lint_and_explain(licet, origin) -> None:
    done = await licet("init", stdin=f"{origin.url}\njournal.example\n\n\n\n\n\n\n")
    assert f"{origin.url} answers 200" in done.err
    file = licet.folder / "licet-data" / "sites" / "journal.example.toml"
    assert file.is_file()
    assert "licet policy check" in done.err
    assert (await licet("policy", "check")).out.startswith(
        "licet-data/sites/journal.example.toml: good; site journal.example, mode observe, sha-256:"
    )
    assert (
        "is there already"
        in (await licet("init", "--upstream", origin.url, "--host", "journal.example", code=2)).err
    )
    assert (await licet("init", "--example")).out.count("\n") > 40
    made = await licet("init", "--upstream", origin.url, "--host", "*", "--stance", "open", "--json")
    assert made.json["file"] == "licet-data/sites/site.toml"

    # Two files that are good alone and not together; one more with three mistakes.
    third = file.with_name("third.toml")
    third.write_text(
        file.read_text().replace("observe", "watch").replace('"own"', '"mine"') + "\ncolor = 1\n"
    )
    told = (await licet("policy", "check", "--json", code=1)).json
    assert told["ok"] is False
    assert {each["file"].rpartition("/")[2] for each in told["mistakes"]} == {"third.toml"}
    assert {"site.mode", "works[0].rights", "works[0].color"} <= {each["key"] for each in told["mistakes"]}
    assert [each["site"] for each in told["policies"]] == ["journal.example", "site"]
    third.write_text(file.read_text())
    clash = await licet("policy", "check", code=1)
    assert 'the host "journal.example" is listed in' in clash.out
    third.unlink()

    comments = file.read_text().replace('paths  = ["/"]', 'paths  = ["/comments/"]')
    file.write_text(comments + '[offers.training]\nworks = ["everything"]\n')
    advised = await licet("policy", "lint", "--json", code=1)
    assert any("/comments" in row["sentence"] for row in advised.json)


async def test_an_answer_that_cannot_be_used_is_asked_for_again_and_loses_no_other(licet, origin) -> None:
    typed = f"localhost:x\n{origin.url}\nhttp://journal.example\njournal.example\nmaybe\ncleared\n\ncheap\n\n\n0.01\n0.05\nEUR\n\n"
    done = await licet("init", stdin=typed)
    for said in ("write the address of a server", "is a host name", "is one of own", "an amount"):
        assert re.search(f"not taken: .*{said}", done.err), said
    text = (licet.folder / "licet-data" / "sites" / "journal.example.toml").read_text()
    assert origin.url in text and 'rights = "cleared"' in text
    # The page's form, answered alike, makes the same file.
    fields = {"answer_price": "0.01", "training_price": "0.05", "currency": "EUR"}
    same = {"origin": origin.url, "hosts": "journal.example", "rights": "cleared", **fields}
    assert first_policy(same).text == text


async def test_a_honeypot_is_made_and_goes_into_a_policy(licet, origin) -> None:
    made = (await licet("policy", "honeypot", "--json")).json
    assert made["path"] not in {(await licet("policy", "honeypot", "--json")).json["path"]}
    assert made["snippet"].startswith('<script type="ignore"><a href="' + made["path"])
    told = await licet("policy", "honeypot", made["path"])
    assert made["snippet"] in told.out
    assert f'honeypot = "{made["path"]}"' in told.out
    assert "nobody would guess" in (await licet("policy", "honeypot", "/admin", code=2)).err


async def test_explain_for_a_person_a_crawler_an_ambiguous_path_and_a_country(licet, origin) -> None:
    licet.write_site(origin.url)
    person = await licet("policy", "explain", "/essays/tides")
    assert person.out.splitlines()[:2] == [
        "served, free of charge: rule 3 matches everyone",
        "visitor  no evidence of automation; served as a person is",
    ]
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    assert (await licet("policy", "explain", "/essays/tides", "--as", browser)).out == person.out

    ask = ("policy", "explain", "/essays/tides", "--as", "GPTBot", "--use", "ai-train", "--country", "de")
    told = await licet(*ask)
    assert told.out.startswith("needs a license: rule 2 matches class ai\n")
    assert "offer    training: ai-train at 0.005 USD per fetch, DE, FR\n" in told.out
    assert "places   of the fetch: checked at every fetch by its network location" in told.out
    assert "country  DE\n" in told.out
    facts = (await licet(*ask, "--json")).json
    assert (facts["verdict"], facts["rule"], facts["country"]) == ("license", "rules[1]", "DE")
    assert [each["offer"] for each in facts["offers"]] == ["training"]
    apart = licet.folder / "apart.toml"
    site = (licet.folder / "licet-data" / "sites" / "journal.toml").read_text()
    first = '[[rules]]\nwhen = { country = ["US"] }\nthen = "refuse"\n'
    apart.write_text(site.replace("[[rules]]", first + "[[rules]]", 1))
    elsewhere = (await licet(*ask[:-1], "US", "--policy", "apart.toml", "--json")).json
    assert (elsewhere["verdict"], elsewhere["rule"]) == ("refuse", "rules[0]")
    here = (await licet(*ask, "--policy", "apart.toml", "--json")).json
    assert (here["verdict"], here["rule"]) == ("license", "rules[2]")

    unclear = (await licet("policy", "explain", "/essays/%2e%2e/x", "--as", "GPTBot", "--json")).json
    assert (unclear["path"], bool(unclear["ambiguity"])) == ("", True)
    assert "ambiguous" in (await licet("policy", "explain", "/a//b", "--as", "GPTBot")).out
    forged = await licet("policy", "explain", "/essays/tides", "--as", "Googlebot", "--proof", "spoofed")
    assert "identity-not-proven" in forged.out
    foreign = await licet("policy", "explain", "https://other.example/essays/", code=2)
    assert "no site here has the host other.example; there are 127.0.0.1, localhost" in foreign.err


async def test_keys_are_made_rotated_listed_and_revoked(licet) -> None:
    first = (await licet("keys", "new", "--json")).json["signing"]
    assert "rotate" in (await licet("keys", "new", code=2)).err
    listed = (await licet("keys", "list", "--json")).json
    assert {row["state"] for row in listed} == {"current", "next"}
    standby = next(row["kid"] for row in listed if row["state"] == "next")
    assert standby in (await licet("keys", "rotate")).err
    states = {row["kid"]: row["state"] for row in (await licet("keys", "list", "--json")).json}
    assert (states[first], states[standby]) == ("retiring", "current")
    await licet("keys", "revoke", standby)
    states = {row["kid"]: row["state"] for row in (await licet("keys", "list", "--json")).json}
    assert states[standby] == "revoked"
    assert "current" in states.values()
    assert "must be one of this ring" in (await licet("keys", "revoke", "nobody", code=2)).err
    table = (await licet("keys", "list")).out.splitlines()
    assert table[0].split() == ["key", "algorithm", "state", "made", "until"]
    assert len(table) == 1 + len(states)


async def test_licensees_beside_a_running_gateway_and_without_one(licet, http, origin, sell) -> None:
    licet.write_site(origin.url)
    one = await licet.serve()
    sold = await sell(one)
    headers = {"User-Agent": GPTBOT, "X-Country": "DE", "Authorization": f"License {sold.token}"}

    async def fetch() -> int:
        async with http.get(one.front + "/essays/tides", headers=headers) as answer:
            return answer.status

    more = (await licet("licensee", "credit", sold.licensee, "5 USD", "--memo", "invoice 7", "--json")).json
    assert more["credited"] == "5 USD"
    assert await fetch() == 200
    assert (await licet("licensee", "suspend", sold.licensee)).out == "Example AI Labs is suspended\n"
    async with asyncio.timeout(10):
        while await fetch() != 401:
            await asyncio.sleep(0.05)
    assert (await licet("licensee", "suspend", sold.licensee, "--lift", "--json")).json[
        "standing"
    ] == "active"
    assert await fetch() == 401
    assert await one.stop() == 0

    added = await licet("licensee", "add", "Other  Labs", "--contact", "mail@other.example")
    assert added.out.splitlines()[1] == "name           Other Labs"
    assert "client_secret  lsk_" in added.out
    assert "stored nowhere" in added.err
    again = await licet("licensee", "credit", sold.licensee, "USD 1")
    # 16 USD paid in, two pages at 0.005 USD.
    assert again.out.startswith("1 USD credited to Example AI Labs, 15.99 USD available, entry ")
    rows = (await licet("licensee", "list", "--json")).json
    assert [(row["name"], row["standing"], row["credit"]) for row in rows] == [
        ("Example AI Labs", "active", "15.99 USD"), ("Other Labs", "active", ""),
    ]  # fmt: skip
    listed = (await licet("licensee", "list")).out.splitlines()
    assert listed[0].split() == ["licensee", "name", "standing", "credit"]
    assert listed[1].endswith("active    15.99 USD")
    for line in (("credit", "le_0", "1 USD"), ("suspend", "le_0")):
        assert "there is no licensee 'le_0'" in (await licet("licensee", *line, code=1)).err


async def test_agents_and_limits_of_a_licensee(licet, origin) -> None:
    licet.write_site(origin.url)
    one = await licet.serve()
    await one.stop()
    made = (await licet("licensee", "add", "Example AI Labs", "--json")).json["licensee"]
    tied = await licet("licensee", "agent", made, "https://Bot.Example:443/")
    assert tied.out == "Example AI Labs pays for https://bot.example\n", "as a signature is read"
    more = (await licet("licensee", "agent", made, "https://other.example", "--json")).json
    assert more["agents"] == ["https://bot.example", "https://other.example"]
    assert (await licet("licensee", "agent", made, "https://bot.example", "--remove", "--json")).json[
        "agents"
    ] == ["https://other.example"]
    gone = await licet("licensee", "agent", made, "https://bot.example", "--remove", code=1)
    assert "does not pay for Example AI Labs" in gone.err
    assert (await licet("licensee", "limit", made, "USD 50")).out == (
        "Example AI Labs may owe up to 50 USD, its balance is 0 USD\n"
    )
    (row,) = (await licet("licensee", "list", "--json")).json
    assert (row["limits"], row["agents"]) == (["50 USD"], ["https://other.example"])
    lifted = (await licet("licensee", "limit", made, "0 USD", "--json")).json
    assert (lifted["limits"], lifted["balance"]) == ([], "0 USD")
    for line in (("agent", "le_0"), ("limit", "le_0", "1 USD")):
        assert "there is no licensee 'le_0'" in (await licet("licensee", *line, code=1)).err


async def test_a_licensee_that_registered_by_itself_is_approved_by_a_credit(licet, http, origin) -> None:
    licet.write_site(origin.url)
    one = await licet.serve()
    async with http.post(f"{one.front}/.licet/register", json={"client_name": "Newcomer"}) as answer:
        assert answer.status == 201, await answer.text()
    (row,) = (await licet("licensee", "list", "--json")).json
    assert row["standing"] == "quarantined"
    done = await licet("licensee", "credit", row["licensee"], "1 USD")
    assert "the credit approves it" in done.err
    (row,) = (await licet("licensee", "list", "--json")).json
    assert (row["standing"], row["credit"]) == ("active", "1 USD")


async def test_a_statement_is_the_same_in_three_forms_and_after_the_books_are_derived_again(
    licet, origin, sell
) -> None:
    data = licet.write_site(origin.url)
    one = await licet.serve()
    sold = await sell(one)
    await one.stop()
    ask = ("statement", sold.licensee, "--period", MONTH)
    before = [(await licet(*ask, *form)).out for form in ((), ("--json",), ("--csv",))]
    assert before[0].startswith(
        f"Statement {MONTH} (UTC)\nLicensee          Example AI Labs ({sold.licensee})\n"
    )
    totals = json.loads(before[1])["totals"][0]
    assert (totals["credited_micros"], totals["charged_micros"]) == (10_000_000, 10_000)
    closing = [row for row in csv.DictReader(io.StringIO(before[2])) if row["row"] == "closing"]
    assert [(row["prepaid"], row["to_pay"], row["currency"]) for row in closing] == [("9.99", "0", "USD")]

    async with open_books(data) as books:
        await books.ledger.rederive()
    assert [(await licet(*ask, *form)).out for form in ((), ("--json",), ("--csv",))] == before
    assert "there is no licensee" in (await licet("statement", "le_0", "--period", MONTH, code=1)).err


async def test_an_audit_finds_a_flipped_octet_a_deleted_row_and_a_changed_posting(
    licet, origin, sell
) -> None:
    data = licet.write_site(origin.url)
    one = await licet.serve()
    await sell(one)
    beside = await licet("journal", "audit")
    assert beside.out.endswith("good: everything agrees\n")
    await one.stop()
    good = (await licet("journal", "audit", "--json")).json
    assert good["good"] is True
    assert good["journal"]["entries"] == good["journal"]["rows"] == 5

    def change(sql: str) -> None:
        database = apsw.Connection(str(data / "licet.db"))
        database.execute(sql)
        database.close()

    was = (data / "licet.db").read_bytes()
    change("UPDATE posted SET micros = micros - 1 WHERE code = 'fetch'")
    told = await licet("journal", "audit", code=1)
    assert "WRONG      posting-differs" in told.out
    assert "\nNOT GOOD: " in told.out
    (data / "licet.db").write_bytes(was)
    change("PRAGMA foreign_keys = off; DELETE FROM journal WHERE seq = 2")
    told = (await licet("journal", "audit", "--json", code=1)).json
    assert any("missing" in each["why"] or "not stored" in each["why"] for each in told["journal"]["faults"])
    (data / "licet.db").write_bytes(was)
    assert (await licet("journal", "audit", "--json")).json["good"] is True

    segment = max((data / "journal").glob("w1-*.seg"), key=lambda path: path.stat().st_size)
    octets = bytearray(segment.read_bytes())
    octets[200] ^= 1
    segment.write_bytes(octets)
    told = await licet("journal", "audit", code=1)
    assert f"WRONG      {segment.name} at offset" in told.out
    assert "is damaged at offset" in (await licet("journal", "export", code=1)).err


async def test_export_prints_every_entry_as_a_line(licet, origin, sell) -> None:
    licet.write_site(origin.url)
    one = await licet.serve()
    sold = await sell(one)
    done = await licet("journal", "export", "--json")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["kind"] for line in lines].count("fetch") == 2
    assert {line["entry"]["id"] for line in lines} >= set(sold.records)
    assert "5 entries" in done.err


async def test_fetch_buys_below_the_ceiling_and_not_above(licet, origin) -> None:
    licet.write_site(origin.url)
    one = await licet.serve()
    made = (await licet("licensee", "add", "Example AI Labs", "--credit", "10 USD", "--json")).json
    who = {"LICET_CLIENT_ID": made["client_id"], "LICET_CLIENT_SECRET": made["client_secret"]}
    page = one.front + "/podcast/1.mp3"
    dear = await licet(
        "fetch", page, "--user-agent", "GPTBot/1.3", "--max-price", "0.01 USD", env=who, code=3
    )
    assert "A fetch costs 0.02 USD, the ceiling is 0.01 USD" in dear.err
    assert dear.out == ""
    none = await licet("fetch", page, "--user-agent", "GPTBot/1.3", "--max-price", "1 USD", code=1)
    assert "nothing to log in with" in none.err
    wrong = await licet("fetch", page, "--use", "reading", code=2)
    assert "--use is one of" in wrong.err
    gone = await licet("fetch", "http://127.0.0.1:1/", code=1)
    assert "gave no usable answer" in gone.err
    had = await licet("fetch", page, "--user-agent", "GPTBot/1.3", "--max-price", "0.02 USD", env=who)
    assert had.out.startswith("<h1>/podcast/1.mp3</h1>")
    assert "200 " in had.err
    assert "record " in had.err
    assert had.err.endswith("bill: 0.02 USD\n")
    ask = ("fetch", page, "--user-agent", "GPTBot/1.3", "--max-price", "0.02 USD", "--json")
    facts = (await licet(*ask, "--save", "receipts.jsonl", env=who)).json
    (receipt,) = map(json.loads, (licet.folder / "receipts.jsonl").read_text().splitlines())
    assert receipt["record"] == facts["record"]
    assert facts["bill"] == {"amount": "0.02", "currency": "USD", "micros": 20_000}
    (licet.folder / "stop").touch()
    stopped = (await licet(*ask, "--stop-file", "stop", env=who, code=3)).json
    assert stopped["refused"] == "stopped"
    assert (facts["status"], facts["bytes"]) == (200, len(had.out.encode()))
    assert facts["record"]
    assert ["Licet-Record", facts["record"]] in facts["headers"]


async def test_a_new_link_to_the_dashboard_works_where_the_gateway_really_listens(
    licet, http, origin
) -> None:
    one = await licet.serve("--upstream", origin.url)
    link = (await licet("dashboard")).out.strip()
    assert link.startswith(one.dashboard + "/sign-in?token=")
    async with http.get(link) as answer:
        assert answer.status == 200
        assert "password" in await answer.text()
    fresh = (await licet("dashboard", "--json")).json["sign_in"]
    assert fresh != link
    await one.stop()
    assert "No gateway runs" in (await licet("dashboard")).err


async def test_doctor_says_what_is_there_and_what_to_do(licet, origin) -> None:
    empty = await licet("doctor", "--json", env={"LICET_LISTEN_PORT": "0"})
    assert {(each["what"], each["state"]) for each in empty.json} >= {
        ("clock", "ok"), ("data folder", "warn"), ("policy", "warn"),
    }  # fmt: skip
    data = licet.write_site(origin.url)
    one = await licet.serve()
    found = await licet("doctor")
    assert f"ok    gateway      runs at {one.front}\n" in found.out
    assert f"ok    origin       journal: {origin.url} answers 200\n" in found.out
    assert "tdm-reservation" not in found.out
    origin.files["/"] = b'<html><head><meta name="tdm-reservation" content="0"></head>'
    assert "say tdm-reservation 0 in a meta" in (await licet("doctor")).out
    del origin.files["/"]
    data.chmod(0o755)
    assert "-> chmod 700 licet-data" in (await licet("doctor", code=1)).out
    data.chmod(0o700)
    site = data / "sites" / "journal.toml"
    seen = len(one.told)
    site.write_text(site.read_text().replace(origin.url, one.front))
    await one.says("policies taken up", seen)  # from here on it forwards to itself, and says so
    assert "answers like a gateway" in (await licet("doctor", code=1)).out
    (data / "licet.toml").write_text('[trust]\nproxies = ["everybody"]\n')
    assert "bad   settings     trust: proxies[0]" in (await licet("doctor", code=1)).out


async def test_doctor_says_how_old_a_location_file_is_and_who_needs_one(licet, origin, written) -> None:
    data = licet.write_site(origin.url)
    (data / "licet.toml").write_text("[listen]\nport = 0\n")
    assert (
        "warn  places       journal: a rule or an offer depends on the country" in (await licet("doctor")).out
    )
    path = written(data / "old.mmdb", "Old", [("8.0.0.0/8", {"country_code": "US"})], built=1_450_000_000)
    (data / "licet.toml").write_text('[listen]\nport = 0\n[trust]\ncountry_database = "old.mmdb"\n')
    told = (await licet("doctor")).out
    assert "warn  places       trust.country_database is mmdb:Old@2015-12-13, " in told
    assert "every place is unknown" not in told
    path.write_bytes(path.read_bytes()[:200])
    assert "trust.country_database: a whole MMDB file" in (await licet("doctor", code=1)).out


async def test_the_demo_plays_its_lines_and_two_programs_agree(licet) -> None:
    done = await licet("demo", "--once", "--json", "--port", 0)
    told = done.json
    assert told["ok"] is True
    statuses = [200, 402, 200, 200, 403, 403, 402, 403, 201, 200, 200, 200, 200, 200, 409]
    assert [line["status"] for line in told["lines"]] == statuses
    assert all(line["status"] == line["expected"] and line["right"] for line in told["lines"])
    assert "record " in told["lines"][3]["why"]
    begun, *counters, agreed, signed, fetched, rival = (line["why"] for line in told["lines"][8:])
    assert "first tell use_case, products, " in begun
    assert [each.partition(":")[0] for each in counters] == ["counter 1", "counter 2"]
    assert agreed.startswith("agreed: 380 USD at signing")
    assert "name one hash" in fetched
    assert rival.startswith("exclusive-taken")
    pdf = licet.folder / "licet-demo" / "contract.pdf"
    assert f"AGREED: {pdf.relative_to(licet.folder)}" in signed
    assert pdf.read_bytes().startswith(b"%PDF-")
    again = await licet("demo", "--once", "--port", 0)
    assert again.out == ""
    (licet.folder / "mine").mkdir()
    (licet.folder / "mine" / "diary.txt").write_text("x")
    kept = await licet("demo", "--once", "--fresh", "--folder", "mine", "--port", 0, code=2)
    assert "does not look like the demo's folder" in kept.err
    assert (licet.folder / "mine" / "diary.txt").is_file()
