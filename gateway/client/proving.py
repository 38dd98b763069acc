"""Does the gateway's own record say what this crawler saw? Receipts fetched, and checked against what was kept.

A receipt (`provenance.receipts`) proves that a record stands in the gateway's
public log. Checked is the proof, by the log's key; then, record by record, that
it is of the license and the terms that the page was fetched under, that its
digest is that of the body that came, and that no more was charged than was told.

The key of a log is believed when it is first met, and no other afterwards,
unless it is given: then it is that one from the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from gateway.client.buying import Buying
from gateway.client.logins import Login
from gateway.client.refused import Refused, Why
from gateway.client.seller import Seller
from gateway.money import Money, MoneyError
from gateway.provenance.checkpoint import CheckpointRefused, LogKey
from gateway.provenance.receipts import Proven, ReceiptRefused, verify
from gateway.provenance.record import FetchRecord

#: Records that one request asks for.
MOST = 100


async def proofs(
    buying: Buying, seller: Seller, login: Login | None, kept: Mapping[str, Mapping[str, Any]], log: str = ""
) -> dict[str, Any] | Refused:
    """The receipts of the records in *kept*, at most `MOST`, by their ids; each was found to say what was kept.

    *log* is the key that the log is known by, "" for the one it was first met with.
    """
    url = f"{seller.issuer}/receipts?{urlencode([('id', record) for record in kept])}"
    answer = await buying.read(url, login, seller)
    if isinstance(answer, Refused):
        return answer
    document = answer.json
    if answer.status != 200:
        return answer.refusal
    known = log or buying.wallet.log(seller.origin)
    try:
        key = LogKey.read(known or str(document.get("log")))
        found = verify(document, key)
    except (CheckpointRefused, ReceiptRefused) as error:
        return Refused.own(Why.UNREADABLE, f"A receipt proves nothing: {error}", url=url)
    told = {str(proven.entry.id): proven for proven in found}
    for record, line in kept.items():
        why = flaw(told.get(record), line)
        if why:
            return Refused.own(Why.UNREADABLE, f"The record {record} {why}", url=url, body=document)
    if not known:
        buying.wallet.met(seller.origin, key.vkey)
    return document


def flaw(proven: Proven | None, line: Mapping[str, Any]) -> str:
    """What the proven entry says otherwise than *line*, as a clause, or "".

    *line* is what the session kept of the fetch: ``path status license terms
    sha256``, and ``at_most`` as ``Licet-Price`` told it.
    """
    if proven is None:
        return "is not among the receipts"
    entry = proven.entry
    if not isinstance(entry, FetchRecord):
        return "is of no fetch"
    for name in ("path", "status", "license", "terms"):
        if getattr(entry, name) != line[name]:
            return f"is of another {name}"
    if entry.digest not in {"", line["sha256"]}:
        return "has the digest of another body"
    try:
        most = Money.read(line["at_most"])
    except MoneyError:
        return "has no price that can be read"
    if (entry.charged_micros and entry.currency != most.currency) or entry.charged_micros > most.micros:
        return "charges more than was told"
    return ""
