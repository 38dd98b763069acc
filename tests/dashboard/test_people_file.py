"""The file of people: version 1 goes on, two writers lose nothing, and what is not ours is refused."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from gateway.dashboard.api_keys import ApiKey
from gateway.dashboard.people import People, Person
from gateway.dashboard.people_file import FIRST_ID, Access, PeopleFile
from gateway.dashboard.permissions import Permission, Role
from gateway.problems import ConfigurationError

ADA = Person("pe_1", "ada", Role.OPERATOR, 1, "hash", "00", 9, 8)
KEY = ApiKey("ke_1", "ci", "pe_1", "lak_abcdefgh", "ff", frozenset({Permission.LOG_READ}), 1, 2, 3, 4)


@pytest.fixture
def file(tmp_path):
    return PeopleFile(tmp_path / "operator.json")


def put(file, access):
    file.change(lambda _before: (access, None))


def test_everything_comes_back(file, tmp_path):
    whole = Access(
        People((ADA, replace(ADA, id="pe_2", name="bob", link_sha256="", link_until_us=0))), (KEY,)
    )
    assert file.read() == Access()
    put(file, whole)
    assert PeopleFile(tmp_path / "operator.json").read() == whole
    assert file.read() == whole
    assert whole.key("ke_1") is KEY
    assert whole.with_key(replace(KEY, used_us=7)).keys[0].used_us == 7


@pytest.mark.parametrize("link", [None, {"sha256": "ab", "until_us": 77}])
def test_the_one_password_of_before_is_the_first_owners(file, tmp_path, link):
    path = tmp_path / "operator.json"
    path.write_text(json.dumps({"v": 1, "password": "$argon2id$x", "link": link}))
    path.chmod(0o600)
    (owner,) = file.read().people.all
    assert (owner.id, owner.name, owner.role, owner.password) == (
        FIRST_ID,
        "owner",
        Role.OWNER,
        "$argon2id$x",
    )
    assert owner.link_sha256 == ("ab" if link else "")
    file.change(lambda access: (access.with_people(access.people.with_one(ADA)), None))
    assert json.loads(path.read_text())["v"] == 2
    assert PeopleFile(path).read().people.all == (owner, ADA)


def test_a_file_of_version_1_in_which_nothing_was_set_has_nobody(file, tmp_path):
    (tmp_path / "operator.json").write_text('{"v": 1, "password": "", "link": null}')
    (tmp_path / "operator.json").chmod(0o600)
    assert file.read() == Access()


@pytest.mark.parametrize(
    "wrong",
    [
        {"people": [{}]},
        {"people": None},
        {"keys": [{"id": 1}]},
        {"people": [{"role": "emperor"}]},
        {"v": 3},
        {"people": [{"made_us": "1"}]},
        {"people": [{"made_us": True}]},
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_whole(file, tmp_path, wrong):
    put(file, Access(People((ADA,)), (KEY,)))
    path = tmp_path / "operator.json"
    members = json.loads(path.read_text())
    for name, value in wrong.items():
        whole = members[name]
        members[name] = [{**whole[0], **value[0]}] if isinstance(value, list) and value != [{}] else value
    path.write_text(json.dumps(members))
    with pytest.raises(ConfigurationError, match="is not an operator's file"):
        PeopleFile(path).read()


def test_a_scope_of_a_later_version_allows_nothing(file, tmp_path):
    put(file, Access(People(), (KEY,)))
    path = tmp_path / "operator.json"
    path.write_text(path.read_text().replace('"log.read"', '"log.read", "world.rule"'))
    assert PeopleFile(path).read().keys[0].scopes == {Permission.LOG_READ}


def test_of_many_writers_none_loses_what_another_wrote(tmp_path):
    path = tmp_path / "operator.json"

    def add(number):
        person = replace(ADA, id=f"pe_{number}", name=f"n{number}")
        PeopleFile(path).change(lambda access: (access.with_people(access.people.with_one(person)), None))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.id for each in PeopleFile(path).read().people.all} == {
        f"pe_{number}" for number in range(12)
    }


def test_what_another_process_changed_is_seen(file, tmp_path):
    put(file, Access(People((ADA,))))
    program = f"""
from pathlib import Path
from gateway.dashboard.people_file import Access, PeopleFile
PeopleFile(Path({str(tmp_path / "operator.json")!r})).change(lambda access: (Access(), None))
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert file.read() == Access()
