"""The dashboard's API as schemathesis meets it: every operation of the document of a real gateway, with a key of an owner."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from gateway.dashboard.api_keys import NEVER
from gateway.dashboard.permissions import Permission

ROOT = Path(__file__).resolve().parents[2]
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
PASSWORD = "tides come in twice a day"
SITE = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:9"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = { per_fetch = "0.02" }
position = { floor = "0.4321" }
"""


def licet(folder, *args):
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *args, "--json"], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """(folder, base of the dashboard) of a gateway with an owner who has set a password."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "licet-data" / "sites").mkdir(parents=True, mode=0o700)
    (folder / "licet-data").chmod(0o700)
    (folder / "licet-data" / "licet.toml").write_text("[store]\nreserve_mb = 1\n[feeds]\nupdate = false\n")
    (folder / "licet-data" / "sites" / "journal.toml").write_text(SITE)
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "--port", "0", "--dashboard-port", "0", "--json"], cwd=folder,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    told = json.loads(process.stdout.readline())
    with requests.Session() as browser:
        page = browser.get(told["sign_in"]).text
        form = re.search(r'name="form" value="([0-9a-f]{64})"', page)[1]
        token = told["sign_in"].partition("token=")[2]
        sent = {"form": form, "token": token, "password": PASSWORD, "again": PASSWORD}
        done = browser.post(
            told["dashboard"] + "/sign-in", data=sent, headers={"Sec-Fetch-Site": "same-origin"},
            allow_redirects=False,
        )  # fmt: skip
        assert done.status_code == 303
    yield folder, told["dashboard"]
    process.terminate()
    process.wait(30)
    process.stdout.close()


@pytest.fixture(scope="module")
def whole(gateway):
    """A key that may do whatever a key can."""
    scopes = [word for each in sorted(set(Permission) - NEVER) for word in ("--scope", str(each))]
    return licet(gateway[0], "dashboard", "keys", "add", "everything", *scopes)


def test_every_operation_keeps_to_the_document(gateway, whole):
    base = gateway[1]
    schema = schemathesis.openapi.from_url(f"{base}/api/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 60
    headers = {"Authorization": f"Bearer {whole['secret']}"}
    said = set()

    def drive(operation):
        @seed(20261126)
        @settings(
            max_examples=2, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(operation.as_strategy())
        def run(case):
            answer = case.call(headers=headers, base_url=base, timeout=20)
            case.validate_response(answer, checks=CHECKS)
            assert answer.status_code not in {401, 403}, (operation.label, answer.text)
            said.add((operation.label, answer.status_code))

        run()

    for operation in operations:
        drive(operation)
    yes = {label for label, status in said if status == 200}
    assert {"GET /api/v1/log", "GET /api/v1/log.csv", "GET /api/v1/policies", "GET /api/v1/keys"} <= yes


def test_a_key_sees_and_does_what_its_scopes_say_and_ends(gateway):
    folder, base = gateway
    licet(folder, "dashboard", "people", "list")
    reader = licet(folder, "dashboard", "keys", "add", "reader", "--scope", "policy.read")
    headers = {"Authorization": f"Bearer {reader['secret']}"}

    def ask(path, method="GET", **named):
        return requests.request(method, base + path, headers=headers, timeout=20, **named)

    shown = ask("/api/v1/policies/journal")
    assert shown.status_code == 200
    assert "0.4321" not in shown.text
    assert shown.json()["text"] == ""
    assert shown.headers["Content-Type"] == "application/json"
    refused = ask("/api/v1/log")
    assert (refused.status_code, refused.headers["Content-Type"]) == (403, "application/problem+json")
    assert "log.read" in refused.json()["detail"]
    assert ask("/api/v1/people/add", "POST", json={"name": "eve", "role": "owner"}).status_code == 403
    assert ask("/api/v1/nowhere").status_code == 404
    assert ask("/api/v1/sign-in", "POST", json={}).status_code == 404
    assert ask("/log").status_code == 401
    assert [
        row["used_at"] > 0 for row in licet(folder, "dashboard", "keys", "list") if row["id"] == reader["id"]
    ] == [True]
    assert reader["secret"] not in (folder / "licet-data" / "operator.json").read_text()
    licet(folder, "dashboard", "keys", "revoke", reader["id"])
    ended = ask("/api/v1/policies")
    assert (ended.status_code, ended.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_floors_go_to_a_key_that_may_see_them(gateway, whole):
    headers = {"Authorization": f"bearer {whole['secret']}"}
    page = requests.get(f"{gateway[1]}/api/v1/policies/journal", headers=headers, timeout=20).json()
    assert 'floor = "0.4321"' in page["text"]


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"[]", "application/json", 400), (b'{"a": 1}', "application/json", 400), (b"{", "application/json", 400),
        (b"a=1", "application/x-www-form-urlencoded", 415), (b'"' + b"x" * 2_200_000, "application/json", 413),
    ],
)  # fmt: skip
def test_a_body_that_is_none_is_said(gateway, whole, body, media, status):
    headers = {"Authorization": f"Bearer {whole['secret']}", "Content-Type": media}
    path = "/api/v1/policies/journal/check"
    answer = requests.post(gateway[1] + path, data=body, headers=headers, timeout=20)
    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_a_change_by_a_key_is_noted_with_the_key(gateway, whole):
    headers = {"Authorization": f"Bearer {whole['secret']}"}
    requests.get(f"{gateway[1]}/api/v1/log.json", headers=headers, timeout=20).raise_for_status()
    ways, until = set(), time.monotonic() + 20
    # The pages read what is folded, which is a moment behind what is written.
    while not {f"key {whole['id']}", "local"} <= ways and time.monotonic() < until:
        rows = requests.get(f"{gateway[1]}/api/v1/admin", headers=headers, timeout=20).json()["rows"]
        ways = {each["note"]["way"] for each, _who in rows}
    assert {f"key {whole['id']}", "local"} <= ways
