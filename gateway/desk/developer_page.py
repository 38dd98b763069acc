"""The portal for whoever writes a crawler: a token in a minute, what a page costs, every refusal there is. Pure.

The commands are made for the site that is asked, and a test runs them to the
letter as they are printed (`tests/journeys/test_developers.py`).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from html import escape
from typing import Any, Final

from gateway.desk.metadata import PREFIX, issuer_of, on_offer
from gateway.languages import later, tr
from gateway.licenses.pricing import due_at_signing
from gateway.paper import link, table
from gateway.policy.rules import Policy
from gateway.problems import PROBLEMS
from gateway.terms.license_terms import Offer
from gateway.uses import Use

DEVELOPERS: Final = f"{PREFIX}/developers"
SANDBOX: Final = f"{DEVELOPERS}/sandbox"
PROBLEM_LIST: Final = f"{PREFIX}/problems"
_NAME: Final = "MyCrawler"
_AGENT: Final = "MyCrawler/1.0 (+https://crawler.example)"
_OUTCOMES: Final[Mapping[str, str]] = {
    "free": later("free"),
    "license": later("needs a license"),
    "uncovered": later("for sale, but no single offer covers this use"),
    "refused": later("refused, at any price"),
}


def first_offer(policy: Policy) -> Offer | None:
    """The offer that the commands buy: of those that a machine sells, the one that costs least to begin with."""
    return min(
        (each for each in on_offer(policy) if not each.by_person),
        key=lambda each: (due_at_signing(each.terms).micros, each.price.micros, each.id),
        default=None,
    )


def place_of(offer: Offer) -> tuple[str, str]:
    """A path pattern that *offer* covers, and a page in it that stands for any."""
    place = offer.terms.scope.paths[0].pattern
    return place, place.replace("*", "PAGE") if "*" in place else place.rstrip("/") + "/PAGE"


def by_curl(policy: Policy, origin: str, *, test: bool) -> str:
    """Lines for a shell that has curl and Python: a client, a token, a page."""
    offer, issuer = first_offer(policy), issuer_of(origin)
    place, example = place_of(offer) if offer else ("/", "/PAGE")
    client = (
        f"curl -s -X POST {issuer}/developers/sandbox > client.json"
        if test
        else f"""curl -s {issuer}/register --json '{{"client_name": "{_NAME}", "contacts": ["ops@crawler.example"]}}' > client.json"""
    )
    asked = [{"type": "content_license", "offer": offer.id}] if offer else []
    wish = shlex.quote(f"authorization_details={json.dumps(asked)}")
    return "\n".join(
        (
            client,
            """read_json() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$@"; }""",
            'CLIENT="$(read_json client.json client_id):$(read_json client.json client_secret)"',
            f'curl -s {issuer}/token -u "$CLIENT" -d grant_type=client_credentials --data-urlencode {wish} > token.json',
            'TOKEN="$(read_json token.json access_token)"',
            f"PAGE={shlex.quote(example)}",
            f'curl -s {origin}"$PAGE" -A \'{_AGENT}\' -H "Authorization: License $TOKEN"',
        )
    ) + (f"\n# every page below {place} is read in the same way" if "*" not in place else "")


def by_python(policy: Policy, origin: str) -> str:
    """The same with the client of this gateway, by the credentials in client.json; limits are the reader's own."""
    offer = first_offer(policy)
    example = place_of(offer)[1] if offer else "/PAGE"
    currency = policy.site.currency
    uses = ", ".join(f"Use.{use.name}" for use in sorted(offer.uses)) if offer else ""
    each = offer.price.amount if offer else "0"
    return f"""import asyncio, json
from gateway.client import LicensedSession, Secret, Spending
from gateway.money import Money
from gateway.uses import Use

async def main():
    client = json.load(open("client.json"))
    login = Secret({json.dumps(origin)}, client["client_id"], client["client_secret"])
    spending = Spending(Money.parse("{each}", "{currency}"), Money.parse("1", "{currency}"))
    async with LicensedSession("{_AGENT}", spending, uses=frozenset({{{uses}}}), logins=(login,)) as session:
        got = await session.fetch({json.dumps(origin + example)})
        print(getattr(got, "body", b"").decode() or got)

asyncio.run(main())"""


def developer_page(policy: Policy, origin: str, found: Mapping[str, Any], *, test: bool) -> str:
    """The body of the portal; *found* is what a look-up of a rate gave (`rate_of`), {} for none."""
    key = (
        f'<form method="post" action="{SANDBOX}">\n<button>{tr("Get a sandbox key")}</button>\n</form>\n'
        f"<p>{tr('This gateway runs in test mode: a sandbox key may buy at once, with money that is none.')}</p>\n"
        if test
        else f"<p>{tr('A new client waits until the owner approves or funds it. There is no sandbox here: this gateway runs for real money.')}</p>\n"
    )
    offers = on_offer(policy)
    nothing = (
        ""
        if offers
        else f"<p>{tr('Nothing is on offer at the moment, so the commands have nothing to buy.')}</p>\n"
    )
    links = (
        (f"{PREFIX}/openapi.json", tr("OpenAPI description of every address")),
        (PROBLEM_LIST, tr("Every refusal, what it means and what to do")),
        (f"{PREFIX}/offers", tr("Offers as JSON")),
        (f"{PREFIX}/catalogue", tr("Catalogue")),
        (f"{PREFIX}/terms/", tr("The license terms in full")),
        (f"{PREFIX}/account", tr("Your account")),
        (f"{PREFIX}/receipt", tr("Check a receipt")),
        ("/license.xml", tr("The terms as RSL")),
        (f"{PREFIX}/jwks.json", tr("Keys that tokens are verified with")),
    )
    items = "".join(f"<li>{link(address, text)}</li>\n" for address, text in links)
    return (
        f"<h2>{tr('A token in 60 seconds for this site')}</h2>\n{nothing}{key}"
        f"<h3>{tr('With curl')}</h3>\n<pre><code>{escape(by_curl(policy, origin, test=test))}</code></pre>\n"
        f"<h3>{tr('With Python')}</h3>\n<p>{tr('After the lines above, which leave client.json:')} <code>pip install licet</code></p>\n"
        f"<pre><code>{escape(by_python(policy, origin))}</code></pre>\n"
        f"{_rates(found)}<h2>{tr('For programs')}</h2>\n<ul>\n{items}</ul>\n"
    )


def _rates(found: Mapping[str, Any]) -> str:
    options = "".join(
        f'<option value="{use}"{" selected" if found.get("use") == use else ""}>{use}</option>' for use in Use
    )
    form = (
        f'<h2 id="rates">{tr("What does a page cost?")}</h2>\n<form method="get" action="{DEVELOPERS}#rates">\n'
        f'<label for="url">{tr("Path or address of the page")}</label>\n'
        f'<input type="text" id="url" name="url" value="{escape(str(found.get("url", "")))}" maxlength="2000" required>\n'
        f'<label for="use">{tr("Use")}</label>\n<select id="use" name="use">{options}</select>\n'
        f"<button>{tr('Look it up')}</button>\n</form>\n"
    )
    if not found:
        return form
    if "wrong" in found:
        return f'{form}<p class="wrong" role="alert">{escape(found["wrong"])}</p>\n'
    rows = [
        (
            each["offer"],
            ", ".join(each["uses"]),
            each["price"],
            each["due"],
            tr("yes") if each["chosen"] else "",
        )
        for each in found["offers"]
    ]
    columns = (tr("Offer"), tr("Uses"), tr("A fetch"), tr("At signing"), tr("Covers this use for least"))
    offers = table(tr("Offers for this page"), columns, rows) if rows else ""
    outcome = tr(_OUTCOMES.get(found["outcome"], found["outcome"]))
    return (
        f"{form}<p>{tr('This page is:')} <strong>{escape(outcome)}</strong>.</p>\n{offers}"
        f"<p>{link(found['json'], tr('Why, step by step, as JSON'))}</p>\n"
    )


def problem_list_page() -> str:
    """Every refusal, made of the closed list itself."""
    rows = [
        (link(f"{PROBLEM_LIST}/{code}", code), str(problem.status), tr(problem.title), tr(problem.next_step))
        for code, problem in sorted(PROBLEMS.items(), key=lambda each: (each[1].status, each[0]))
    ]
    columns = (tr("Code"), tr("Status"), tr("What it says"), tr("What to do"))
    return (
        f"<p>{tr('Programs get these facts as application/problem+json (RFC 9457); the code never changes its meaning.')}</p>\n"
        f"{table(tr('Every refusal of this gateway'), columns, rows, cards=True)}"
        f"<p>{link(DEVELOPERS, tr('For developers'))}</p>\n"
    )


def sandbox_page(client: str, secret: str, credit: str) -> str:
    """The only page that shows a sandbox key."""
    return (
        f"<p>{tr('It is shown once. It holds {credit} of test money.').format(credit=credit)}</p>\n"
        f"<pre><code>{escape(json.dumps({'client_id': client, 'client_secret': secret}))}</code></pre>\n"
        f"<p>{tr('Keep it as client.json for the commands of the portal.')} {link(DEVELOPERS, tr('Back to the portal'))}</p>\n"
    )
