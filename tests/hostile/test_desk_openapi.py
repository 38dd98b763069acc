"""The desk driven from its own OpenAPI document by schemathesis: whatever is sent, nothing of ours breaks.

``LICET_FUZZ_DESK`` is for how many seconds (25 if unset), ``LICET_FUZZ_SEED`` where it starts.
"""

from __future__ import annotations

import os
import time

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from gateway.desk.door import COUNTRY

SECONDS = float(os.environ.get("LICET_FUZZ_DESK", "25"))
SEED = int(os.environ.get("LICET_FUZZ_SEED", "20261126"))
#: Requests of one operation that are drawn at once; the clock is looked at between two such batches.
BATCH = 12
#: Rounds after which what has not said yes yet never will.
ROUNDS = 400
#: What must have said yes for the run to have tried anything.
NEEDED = (
    "POST /.licet/token", "POST /.licet/introspect", "POST /.licet/key", "POST /.licet/register", "GET /.licet/quote",
    "GET /.licet/register/{client}", "GET /.licet/terms/{version}", "GET /.licet/offers/{document}", "GET /.licet/comp/{offer}",
)  # fmt: skip
#: What stands for ``{name}`` there; "" is the version of the terms in force.
NAMES = {"/.licet/terms/": "", "/.licet/offers/": "training.jsonld", "/.licet/comp/": "training"}
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def desk(tmp_path_factory, live_desk):
    opened = live_desk.LiveDesk(tmp_path_factory.mktemp("desk"))
    yield opened
    opened.close()


def known(desk, live_desk):
    """By parameter, values that lead further in than anything drawn at random would."""
    offer = '[{"type":"content_license","offer":"%s"%s}]'
    element = (
        '<license><permits type="usage">ai-train</permits><permits type="geo">DE</permits>'
        '<payment type="crawl"><amount currency="USD">0.02</amount></payment></license>'
    )
    return {
        "token": [desk.token, desk.token[:-2] + "AA", desk.token + "\0"],
        "resource": ["/essays/", live_desk.ENCRYPTED, f"{desk.origin}/essays/tides", "/essays/%2e%2e/", "*"],
        "grant_type": ["client_credentials", "rsl"],
        "scope": ["ai-train", "ai-input ai-index", "tdm"],
        "license": [
            element,
            element.replace("0.02", "1e400"),
            "<license " + "a:" * 99 + "/>",
            element + "\0",
        ],
        "license_type": ["application/rsl+xml"],
        "authorization_details": [
            offer % ("training", ""),
            offer % ("answers", ',"budget":{"micros":9007199254740993}'),
            offer % ("training", f',"license":"{desk.license}"'),
            offer % ("archive", ',"crawlers":["GPTBot"]'),
            "[" * 5000,
        ],
        "kid": ["", "AAAA"],
        "url": ["/essays/tides", f"{desk.origin}/essays/tides?x=1", "/essays/%2e%2e", "https://[", "\0"],
        "cursor": ["AAAA", "e30"],
        "changed_since": ["2026-11-01T00:00:00Z", "9999-12-31T23:59:60Z"],
        "crawler": ["GPTBot", "nobody"],
        "against": ["0" * 64],
    }


@pytest.mark.timeout(400 + SECONDS)
def test_no_request_breaks_the_desk_or_its_own_description(desk, live_desk, capsys):
    schema = schemathesis.openapi.from_url(f"{desk.origin}/.licet/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    values = known(desk, live_desk)
    best = {name: listed[0] for name, listed in values.items()}
    best |= {"resource": live_desk.ENCRYPTED}
    for name in ("license", "authorization_details", "license_type", "cursor", "against"):
        del best[name]
    each = {name: st.sampled_from(listed) for name, listed in values.items()}
    drawn = st.one_of(st.just(best), st.fixed_dictionaries({}, optional=each))
    sent: dict[str, dict[int, int]] = {operation.label: {} for operation in operations}

    def batch(operation, mode, at):
        @seed(SEED + at)
        @settings(
            max_examples=BATCH,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode), drawn, st.sampled_from([True, True, True, False]))
        def run(case, better, login):
            if isinstance(case.body, dict):
                case.body.update(better)
                if operation.path.endswith("/revoke") and case.body.get("token") == desk.token:
                    case.body["token"] = desk.spare
            if "url" in better:
                for start, name in NAMES.items():
                    if operation.path.startswith(f"{start}{{"):
                        (parameter,) = case.path_parameters
                        case.path_parameters[parameter] = name or desk.terms
            for part in (case.path_parameters, case.query):
                for name in better.keys() & set(part or ()):
                    part[name] = better[name]
            shown = desk.login
            if "/register/" in operation.path:
                shown = f"Bearer {desk.managed['registration_access_token']}"
                if operation.method != "DELETE" and "url" in better:
                    case.path_parameters["client"] = desk.managed["client_id"]
            if str((case.query or {}).get("wait", "")).isdigit():
                case.query["wait"] = "0"  # who waits is tried elsewhere
            answer = case.call(headers={COUNTRY: "DE", **({"Authorization": shown} if login else {})})
            counts = sent[operation.label]
            counts[answer.status_code] = counts.get(answer.status_code, 0) + 1
            case.validate_response(answer, checks=CHECKS)

        # Some addresses are for so many requests a minute; what is sold here lives longer.
        desk.world.clock.advance(1)
        run()

    hopeless = set()
    until, at = time.monotonic() + SECONDS, 0

    def tried() -> bool:
        """Whether the time is over, and everything that must have said yes did."""
        return time.monotonic() >= until and all(min(sent[label], default=599) < 300 for label in NEEDED)

    while at == 0 or (not tried() and at < ROUNDS):
        for operation in operations:
            for mode in schemathesis.GenerationMode:
                taking = operation.body or operation.query or operation.path_parameters
                if (not taking and at) or (operation.label, mode) in hopeless:
                    continue
                try:
                    batch(operation, mode, at)
                except Unsatisfiable:
                    # Where nothing is taken, or any text is, nothing can be asked wrongly.
                    assert mode.is_negative
                    hopeless.add((operation.label, mode))
            if at and tried():
                break
        at += 1
    assert desk.faults == []
    assert all(sent.values())
    for label in NEEDED:
        assert min(sent[label]) < 300, f"{label} never said yes: {sent[label]}"
    with capsys.disabled():
        total = sum(sum(counts.values()) for counts in sent.values())
        print(f"\n  {total} requests to {len(sent)} operations of the desk, none of them a 5xx")
        for label, counts in sent.items():
            told = ", ".join(f"{status}: {count}" for status, count in sorted(counts.items()))
            print(f"    {label:<52} {told}")
