"""What a licensee was given, as OASIS Data Provenance Metadata 1.0 (csd01) describes a dataset."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema_rs
import pytest

from gateway.licenses.data_provenance import SCHEMA, Described, data_provenance
from gateway.licenses.license import License
from gateway.money import Money
from gateway.paths import PathScope
from gateway.provenance.record import FetchRecord
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope
from gateway.uses import Use

FETCH = FetchRecord(
    id="f-1", time_us=1_794_000_000_000_000, duration_us=1500, site="journal", host="journal.example", method="GET",
    path="/essays/tides", visitor_class="ai", identity="claimed", identity_method="none", verdict="license", rule="rules[1]",
    policy="sha-256:p", mode="enforce", outcome="licensed", status=200, bytes_sent=10, ended="complete", detail="0" * 64,
    crawler="GPTBot", licensee="le_1", license="li_1", terms="sha-256:t", work="essays", currency="USD", price_micros=5000,
    charged_micros=5000, charge_reason="fetch", digest="d" * 64, content_type="text/csv; charset=utf-8",
)  # fmt: skip
TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)), Purpose(frozenset({Use.AI_TRAIN, Use.AI_INPUT})),
    Compensation("USD", per_fetch=Money(5000, "USD")),
)  # fmt: skip
LICENSE = License("li_1", "le_1", "journal", "training", TERMS, "sha-256:p", 1, 2_000_000_000)
ABOUT = Described(
    "The Journal Ltd", "https://journal.example", "https://journal.example/.licet/audit/bundles/le_1/2026-11", "journal", "le_1",
    "2026-11", 1_793_491_200_000_000, 1_796_083_200_000_000, ("Ireland",), "rights@journal.example",
)  # fmt: skip

_TEXT = {"type": "string", "minLength": 1}
_URI = {"type": "string", "format": "uri"}
_WHEN = {"type": "string", "format": "date-time"}
_VERSION = {"type": "string", "pattern": r"^(0|[1-9][0-9]*)$|^[0-9]+\.[0-9]+\.[0-9]+"}


def _object(required, open_=True, **members):
    return {"type": "object", "required": required, "properties": members, "additionalProperties": open_}


def _some(items):
    return {"type": "array", "minItems": 1, "uniqueItems": True, "items": items}


def _enum(text):
    return {"enum": text.split()}


#: What the standard's schema demands, in our words: members, types, vocabularies.
CSD01 = _object(
    ["$schema", "set", "source", "provenance", "use"],
    **{"$schema": {"const": SCHEMA}},
    set=_object(
        ["category", "schema-version", "publisher", "label", "tracking"],
        category={"type": "string", "pattern": r"^[^\s\-_.](.*[^\s\-_.])?$"},
        publisher=_object(["name", "namespace"], open_=False, name=_TEXT, namespace=_URI, **{"contact-details": _TEXT}),
        label=_TEXT,
        tracking=_object(
            ["current-release-date", "id", "initial-release-date", "revision-history", "status", "version"],
            id=_TEXT,
            status=_enum("draft final interim"),
            version=_VERSION,
            generator=_object(["engine"], engine=_object(["name"], name=_TEXT, version=_VERSION)),
            **{
                "current-release-date": _WHEN,
                "initial-release-date": _WHEN,
                "revision-history": _some(_object(["date", "number", "summary"], date=_WHEN, number=_VERSION, summary=_TEXT)),
            },
        ),
        **{"schema-version": {"const": "1.0"}},
    ),
    source=_object(
        ["about", "id", "issuer", "location", "name", "data-version"],
        about=_object(["content", "purpose"], content=_TEXT, purpose=_TEXT, scope=_TEXT),
        id=_object(
            [],
            uris=_some(_URI),
            hashes=_some(
                _object(
                    ["tree-hashes", "path"],
                    path=_TEXT,
                    **{"tree-hashes": _some(_object(["algorithm", "value"], algorithm=_TEXT, value={"pattern": "^[0-9a-fA-F]{32,}$"}))},
                )
            ),
        ),
        issuer=_some(_object(["legal-name"], url=_URI, **{"legal-name": _TEXT})),
        location=_URI,
        name=_TEXT,
        **{"data-version": _VERSION},
    ),
    provenance=_object(
        ["origin-geography", "date", "generation-method"],
        date={"type": "string", "format": "date"},
        format=_some(_enum("application/json application/jsonld application/msword application/vnd.ms-excel application/zip image/bmp image/gif image/jpeg image/png image/x-png other text/csv text/plain")),
        **{
            "origin-geography": _some(_object(["country"], country=_TEXT)),
            "generation-period": _object([], start=_WHEN, end=_WHEN),
            "generation-method": _some(_object(["code"], code=_enum(
                "data-augmentation data-mining feeds machine-generated-ml-ops other primary-user-source simulations social-media"
                " syndication transfer-learning user-generated-content web-scraping-crawling"
            ))),
        },
    ),
    use=_object(
        ["intended-purpose"],
        license=_some(_TEXT),
        **{
            "intended-purpose": _some(_object(["code", "long-description"], code=_enum(
                "alignment evaluation other pre-training production quality-assurance research staging-testing synthetic-data-generation"
            )))
        },
    ),
)  # fmt: skip


def valid(document):
    jsonschema_rs.validator_for(CSD01, validate_formats=True).validate(json.loads(json.dumps(document)))
    return document


def test_it_is_what_the_standard_asks_for():
    sent = [FETCH, replace(FETCH, id="f-2", path="/essays/reefs", digest="e" * 64, content_type="text/html")]
    told = valid(data_provenance(sent, [LICENSE], ABOUT, 1_797_000_000))
    assert [each["path"] for each in told["source"]["id"]["hashes"]] == [
        "journal.example/essays/reefs",
        "journal.example/essays/tides",
    ]
    assert told["source"]["id"]["hashes"][1]["tree-hashes"] == [{"algorithm": "sha256", "value": "d" * 64}]
    assert told["provenance"]["format"] == ["other", "text/csv"]
    assert [each["code"] for each in told["use"]["intended-purpose"]] == ["production", "pre-training"]
    assert TERMS.hash in told["use"]["license"][0]
    assert told["set"]["tracking"]["status"] == "final"
    assert data_provenance(reversed(sent), [LICENSE], ABOUT, 1_797_000_000) == told


def test_a_month_that_runs_is_not_final():
    told = valid(data_provenance([FETCH], [LICENSE], ABOUT, 1_794_000_000))
    assert told["set"]["tracking"]["status"] == "interim"


@pytest.mark.parametrize("use", Use)
def test_every_use_has_a_purpose_of_the_standard(use):
    license = replace(LICENSE, terms=replace(TERMS, purpose=Purpose(frozenset({use}))))
    told = valid(data_provenance([FETCH], [license], ABOUT, 1))
    assert str(use) in told["use"]["intended-purpose"][0]["long-description"]


def test_only_what_was_delivered_whole_under_a_license_is_in_it():
    others = [
        replace(FETCH, outcome="free"),
        replace(FETCH, status=206),
        replace(FETCH, ended="client-abort"),
        replace(FETCH, digest=""),
    ]
    told = data_provenance([FETCH, *others], [LICENSE], ABOUT, 1)
    assert len(told["source"]["id"]["hashes"]) == 1
    with pytest.raises(ValueError, match="nothing was delivered"):
        data_provenance(others, [LICENSE], ABOUT, 1)


@pytest.mark.parametrize("countries", [(), ("",), ("Ireland", " ")])
def test_without_a_country_there_is_none(countries):
    with pytest.raises(ValueError, match="country"):
        data_provenance([FETCH], [LICENSE], replace(ABOUT, countries=countries), 1)


def test_a_license_that_the_register_lacks_is_no_error():
    assert valid(data_provenance([FETCH], [], ABOUT, 1))["use"]["license"] == ["none"]
