"""`licet claims`: costs that a licensee has to bear, claimed with evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, stop, table, tell

if TYPE_CHECKING:
    from gateway.billing.cost_claims import Claim
    from gateway.cli.books import Books

app = typer.Typer(
    help="""Costs that a licensee has to bear, such as of remediation after a withdrawal.

    You claim them with evidence, which is kept in the data folder and named by its
    SHA-256. The licensee accepts, and owes them from then on, or disputes and says
    why. Nothing is owed by your word alone.
    """,
    no_args_is_help=True,
)


@app.command()
def add(
    license: Annotated[str, typer.Argument(metavar="LICENSE", help="The license, such as li_….")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="What is claimed, such as '120 USD'.")],
    about: Annotated[
        str, typer.Option("--about", metavar="ID", help="What caused the costs, such as a withdrawal.")
    ],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="What the licensee is told.")],
    evidence: Annotated[Path, typer.Option("--evidence", metavar="FILE", help="A document that shows it.")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Claim costs of a licensee.

    The evidence is kept as it is; the licensee reads its SHA-256, the amount and
    your reason at `/.licet/claims` of the site, and answers there.
    """
    try:
        octets = evidence.read_bytes()
    except OSError as error:
        raise stop(f"{evidence}: {error.strerror or error}") from None

    async def act(books: Books) -> Claim:
        import hashlib

        import uuid_utils

        from gateway.billing.cost_claims import claimed, claims_of
        from gateway.cli.books import LATE
        from gateway.licenses.evidence_shelf import LARGEST
        from gateway.money import Money
        from gateway.problems import Refusal
        from gateway.store.evidence_folder import EvidenceFolder

        if len(octets) > LARGEST:
            raise stop(f"{evidence} has more than {LARGEST:,} bytes")
        found = await books.register.license(license)
        if found is None:
            raise stop(f"there is no license {license!r}; `licet licenses list` shows them", code=1)
        try:
            money = Money.read(amount)
        except ValueError as error:
            raise stop(f"{amount!r} is no amount such as '120 USD': {error}") from None
        if money.currency != found.terms.compensation.currency:
            raise stop(f"the license counts in {found.terms.compensation.currency}")
        digest = hashlib.sha256(octets).hexdigest()
        entry = claimed(
            str(uuid_utils.uuid7()), (found.id, found.licensee, found.site), money, about, digest, why,
            books.clock.now_us(),
        )  # fmt: skip
        if isinstance(entry, Refusal):
            raise stop(entry.detail)
        # A claim never names a document that is not there.
        await EvidenceFolder(books.folder / "evidence").keep(octets)
        if not await books.write(entry):
            tell(LATE)
        return claims_of([entry])[0]

    _told([with_books(data, act)], as_json)


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List every claim and where it stands.

    Claimed, accepted (and owed since), disputed with the licensee's reason, or
    withdrawn by you.
    """
    _told(with_books(data, _everything), as_json)


@app.command()
def withdraw(
    claim: Annotated[str, typer.Argument(metavar="CLAIM", help="The claim, by its id.")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Claim it no more.

    Only what was not accepted: what is owed already is undone by a reversal
    instead, as any other due.
    """

    async def act(books: Books) -> Claim:
        import uuid_utils

        from gateway.billing.cost_claims import claims_of, withdrawn
        from gateway.cli.books import LATE
        from gateway.problems import Refusal

        found = next((each for each in await _everything(books) if each.entry.id == claim), None)
        if found is None:
            raise stop(f"there is no claim {claim!r}; `licet claims list` shows them", code=1)
        entry = withdrawn(found, str(uuid_utils.uuid7()), books.clock.now_us(), "operator")
        if isinstance(entry, Refusal):
            raise stop(entry.detail, code=1)
        if not await books.write(entry):
            tell(LATE)
        return claims_of([found.entry, entry])[0]

    _told([with_books(data, act)], as_json)


async def _everything(books: Books) -> list[Claim]:
    from gateway.billing.cost_claims import claims_of
    from gateway.store.sqlite.deriving import booked_of

    rest = "WHERE kind = 'book' AND license <> '' ORDER BY seq"
    entries = await books.database.read(lambda db: [each.entry for each in booked_of(db, rest)])
    return list(claims_of(entries))


def _told(claims: list[Claim], as_json: bool) -> None:
    from gateway.desk.claims import claim_document

    if as_json:
        emit([claim_document(each) for each in claims])
        return
    table(
        ("claim", "license", "state", "amount", "about", "why"),
        [
            (
                each.entry.id,
                each.entry.license,
                str(each.state),
                str(each.amount),
                each.entry.reference,
                each.answer or each.why,
            )
            for each in claims
        ],
    )
