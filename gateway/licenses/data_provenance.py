"""What one licensee was given of one site in a month, described as a dataset: OASIS Data Provenance Metadata 1.0. Pure.

The form is that of Committee Specification Draft 01 (7 May 2026), schema
``https://docs.oasis-open.org/dps/prov-meta/v1.0/schema/data-provenance.json``.
The dataset is every body that was sent whole under a license: each stands under
``source.id.hashes`` with its path and the SHA-256 of its octets, so that whoever
holds the dataset can tell what of it came from here, and under which license.

Where the content was first made, which the standard asks for, no record says:
the owner names it (*countries*).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from gateway import __version__
from gateway.licenses.license import License
from gateway.provenance.record import Ended, FetchRecord
from gateway.uses import Use

SCHEMA: Final = "https://docs.oasis-open.org/dps/prov-meta/v1.0/schema/data-provenance.json"
#: The standard's list of purposes knows training and production; the others are told in words.
_PURPOSES: Final[Mapping[Use, tuple[str, str]]] = {
    Use.AI_TRAIN: ("pre-training", "ai-train: training of models"),
    Use.FINE_TUNE: ("other", "fine-tune: fine-tuning of models"),
    Use.AI_INDEX: ("other", "ai-index: embeddings and retrieval"),
    Use.AI_INPUT: ("production", "ai-input: input of answers that a model gives"),
    Use.SEARCH: ("other", "search: search indexing"),
    Use.TDM: ("other", "tdm: text and data mining"),
}
_FORMATS: Final = frozenset(
    {"application/json", "application/msword", "application/vnd.ms-excel", "application/zip", "image/bmp", "image/gif",
     "image/jpeg", "image/png", "text/csv", "text/plain"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Described:
    """What the records do not say: who issues, where it lies, whose it is, of which month, and what time it is now."""

    issuer: str
    origin: str
    location: str
    site: str
    licensee: str
    period: str
    since_us: int
    until_us: int
    countries: Sequence[str]
    contact: str = ""


def data_provenance(
    records: Iterable[FetchRecord], licenses: Iterable[License], about: Described, now: int
) -> dict[str, Any]:
    """The metadata document; *now*, in seconds, tells whether the month may still grow.

    Raises `ValueError` with a clause where no country is named or nothing was
    delivered: the standard knows no dataset of nothing.
    """
    if not about.countries or not all(map(str.strip, about.countries)):
        raise ValueError("the standard asks in which country the content was made")
    sent = [
        each
        for each in records
        if each.is_paid and each.status == 200 and each.ended == Ended.COMPLETE and each.digest
    ]
    if not sent:
        raise ValueError("nothing was delivered whole under a license in that time")
    named = {each.license for each in sent}
    held = sorted((each for each in licenses if each.id in named), key=lambda each: each.id)
    latest = _moment(max(each.time_us for each in sent))
    return {
        "$schema": SCHEMA,
        "set": {
            "category": "licensed-content",
            "schema-version": "1.0",
            "publisher": {
                "name": about.issuer,
                "namespace": f"{about.origin}/",
                **({"contact-details": about.contact} if about.contact else {}),
            },
            "label": f"{about.site}: content delivered to {about.licensee} in {about.period}",
            "tracking": {
                "current-release-date": latest,
                "generator": {"engine": {"name": "Licet", "version": __version__}},
                "id": f"licet-{about.site}-{about.licensee}-{about.period}",
                "initial-release-date": latest,
                "revision-history": [{"date": latest, "number": "1", "summary": "As the journal has it."}],
                "status": "final" if now * 1_000_000 >= about.until_us else "interim",
                "version": "1",
            },
        },
        "source": _source(sent, about),
        "provenance": _provenance(sent, about, latest),
        "use": {
            "intended-purpose": _purposes(held),
            "license": [f"{about.origin}/.licet/contracts/{each.id} {each.terms.hash}" for each in held]
            or ["none"],
        },
    }


def _source(sent: Sequence[FetchRecord], about: Described) -> dict[str, Any]:
    bodies = sorted({(f"{each.host}{each.path}", each.digest) for each in sent})
    return {
        "about": {
            "content": f"{len(bodies)} bodies as they were sent, each with its address and SHA-256.",
            "purpose": "What the licenses named under use allow, and nothing else.",
            "scope": f"Bodies that were sent whole, from {_moment(about.since_us)} to before {_moment(about.until_us)}.",
        },
        "id": {
            "uris": [about.location],
            "hashes": [
                {"path": path, "tree-hashes": [{"algorithm": "sha256", "value": digest}]}
                for path, digest in bodies
            ],
        },
        "issuer": [{"legal-name": about.issuer, "url": f"{about.origin}/"}],
        "location": about.location,
        "name": f"{about.site} {about.period}",
        "data-version": "1",
    }


def _provenance(sent: Sequence[FetchRecord], about: Described, latest: str) -> dict[str, Any]:
    formats = {_format(each.content_type) for each in sent}
    return {
        "origin-geography": [{"country": each} for each in sorted(set(about.countries))],
        "date": latest[:10],
        "generation-period": {"start": _moment(min(each.time_us for each in sent)), "end": latest},
        "generation-method": [
            {
                "code": "web-scraping-crawling",
                "long-description": "Fetched by the licensee's crawler under a license, each fetch recorded in a public log.",
            }
        ],
        "format": sorted(formats),
    }


def _purposes(held: Iterable[License]) -> list[dict[str, str]]:
    uses = sorted({use for license in held for use in license.terms.purpose.uses})
    told = [_PURPOSES[use] for use in uses] or [("other", "no license of the register names a use")]
    return [{"code": code, "long-description": words} for code, words in told]


def _format(content_type: str) -> str:
    plain = content_type.partition(";")[0].strip().lower()
    return plain if plain in _FORMATS else "other"


def _moment(time_us: int) -> str:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
