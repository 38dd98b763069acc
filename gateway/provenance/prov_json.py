"""A period of fetches as W3C PROV (PROV-JSON, W3C Member Submission of 24 April 2013). Pure.

============================ ================================================
``licet:fetch/ID``           activity: one fetch, begun and ended when it was
``licet:content/SHA256``     entity: the body that was sent, attributed to its site
``licet:license/ID``         entity and plan: what the fetch was done under
``licet:licensee/ID``        agent (organization) that the crawler acted for
``licet:crawler/NAME``       agent (software) that fetched
``licet:site/ID``            agent: whose content it is
============================ ================================================

Amounts, terms and the place in the public log stand as attributes of the
activity, so that a statement about provenance can be checked against a receipt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from gateway.provenance.receipts import Opened
from gateway.provenance.record import FetchRecord, read_entry

_NAMESPACE: Final = "urn:licet:"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./-]+", re.ASCII)


def prov_document(entries: Iterable[tuple[Opened, dict[str, Any]]]) -> dict[str, Any]:
    """The PROV-JSON document of *entries*, each with its parsed canonical JSON; only fetches are told of."""
    found: dict[str, dict[str, Any]] = {
        kind: {}
        for kind in (
            "entity", "activity", "agent", "used", "wasAssociatedWith", "wasAttributedTo", "actedOnBehalfOf",
        )
    }  # fmt: skip
    for opened, members in entries:
        entry = read_entry(opened.kind, members)
        if isinstance(entry, FetchRecord):
            _put(entry, opened, found)
    return {"prefix": {"licet": _NAMESPACE, "xsd": "http://www.w3.org/2001/XMLSchema#"}} | {
        kind: members for kind, members in found.items() if members
    }


def _put(entry: FetchRecord, opened: Opened, found: dict[str, dict[str, Any]]) -> None:
    fetch = _name("fetch", entry.id)
    found["activity"][fetch] = {
        "prov:startTime": _moment(entry.time_us - entry.duration_us),
        "prov:endTime": _moment(entry.time_us),
        "prov:type": _qualified("licet:Fetch"),
        "licet:url": f"{entry.method} {entry.host}{entry.path}",
        "licet:status": entry.status,
        "licet:outcome": entry.outcome,
        "licet:terms": entry.terms,
        "licet:charged_micros": entry.charged_micros,
        "licet:currency": entry.currency,
        "licet:log_index": opened.index,
        "licet:leaf_salt": opened.salt.hex(),
    }
    site = _name("site", entry.site)
    found["agent"].setdefault(site, {"prov:type": _qualified("prov:Organization")})
    crawler = _name("crawler", entry.crawler or "unnamed")
    found["agent"].setdefault(crawler, {"prov:type": _qualified("prov:SoftwareAgent")})
    associated = {"prov:activity": fetch, "prov:agent": crawler}
    if entry.license:
        plan = _name("license", entry.license)
        found["entity"].setdefault(plan, {"prov:type": _qualified("prov:Plan")})
        associated["prov:plan"] = plan
    found["wasAssociatedWith"][f"_:by{opened.index}"] = associated
    if entry.licensee:
        licensee = _name("licensee", entry.licensee)
        found["agent"].setdefault(licensee, {"prov:type": _qualified("prov:Organization")})
        found["actedOnBehalfOf"][f"_:for{opened.index}"] = {
            "prov:delegate": crawler,
            "prov:responsible": licensee,
            "prov:activity": fetch,
        }
    if entry.digest:
        content = _name("content", entry.digest)
        if content not in found["entity"]:
            found["entity"][content] = {
                "prov:type": _qualified("licet:Content"),
                "licet:sha256": entry.digest,
                "licet:work": entry.work,
                "licet:media_type": entry.content_type,
            }
            found["wasAttributedTo"][f"_:of{opened.index}"] = {"prov:entity": content, "prov:agent": site}
        found["used"][f"_:use{opened.index}"] = {
            "prov:activity": fetch,
            "prov:entity": content,
            "prov:time": _moment(entry.time_us),
        }


def _name(kind: str, text: str) -> str:
    """A qualified name of *text*, which others may have written."""
    return f"licet:{kind}/{text if _PLAIN.fullmatch(text) else text.encode('utf-8', 'surrogatepass').hex()}"


def _qualified(name: str) -> dict[str, str]:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


def _moment(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1_000_000, UTC).isoformat(timespec="microseconds")
