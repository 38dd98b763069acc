"""``/.licet/bundles/NAME``: the manifest of what is on offer, whole; of anything else nothing."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from gateway.desk.bundles import BundleDesk, manifest_beside
from gateway.desk.call import Call
from gateway.licenses.bundle import read_manifest, write_manifest
from gateway.licenses.withdrawal import Withdrawal
from gateway.paths import PathScope
from gateway.policy.bundles import manifest_file
from gateway.policy.reading import read_policy
from gateway.policy.withdrawing import with_withdrawn
from gateway.problems import Problem, Refusal
from gateway.uses import Use
from tests.policy.test_bundles import MADE, POLICY


@pytest.fixture
def policy(tmp_path):
    file = tmp_path / "journal.toml"
    file.write_text(POLICY.format(rights="own", more=""))
    manifest_file(file, "launch").parent.mkdir()
    manifest_file(file, "launch").write_text(write_manifest(MADE))
    return read_policy(file)


async def asked(policy, name):
    route = BundleDesk(manifest_beside).group()["/.licet/bundles/*"]
    return await route.act(Call(None, policy, "https://journal.example", "192.0.2.1", name))


async def test_the_manifest_is_what_the_terms_name(policy):
    answer = await asked(policy, "launch")
    assert answer.status == 200
    assert read_manifest(answer.body) == MADE
    assert orjson.loads(answer.body)["hash"] == policy.offers[0].terms.scope.bundle.manifest
    assert answer.headers["ETag"] == f'"{MADE.hash}"'


@pytest.mark.parametrize(
    "name", ["other", "../journal", "launch.json", "", "launch@sha-256:0", "launch@../x", "../launch@x"]
)
async def test_of_anything_else_there_is_nothing(policy, name):
    answer = await asked(policy, name)
    assert isinstance(answer, Refusal)
    assert answer.problem is Problem.NOT_FOUND


async def test_nor_of_what_is_off_sale_or_was_made_anew_behind_the_policy(policy, tmp_path):
    gone = Withdrawal("wd_1", "journal", frozenset({Use.AI_TRAIN}), 1, 1, paths=(PathScope("/essays/b"),))
    left = with_withdrawn(policy, frozenset({gone}))
    assert isinstance(await asked(left, "launch"), Refusal)
    assert read_manifest((await asked(left, f"launch@{MADE.hash}")).body) == MADE
    newer = replace(MADE, made_at=MADE.made_at + 1)
    manifest_file(tmp_path / "journal.toml", "launch").write_text(write_manifest(newer))
    assert isinstance(await asked(policy, "launch"), Refusal)
