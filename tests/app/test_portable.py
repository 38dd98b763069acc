"""The configuration as one file: complete without what is secret, checked whole, and put back without a change."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.app.portable import Portable, checked, differences, proposed, put, read, taken, written
from gateway.dashboard.people import People, Person
from gateway.dashboard.people_file import Access, PeopleFile
from gateway.dashboard.permissions import Role
from gateway.problems import ConfigurationError

SETTINGS = """# Where people come in
[listen]
port = 9000   # behind the proxy

[clients]
initial_access_token = "very-secret-token"
dpop_nonces = true

[[webhooks]]
url = "https://hooks.example/licet"
types = ["negotiation.*"]
"""
POLICY = """# The journal's rules
stance = "search-free-training-paid"

[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"

[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"

[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = { per_fetch = "0.02" }   # tier 1
position = { floor = "0.4321", target = "0.9" }
"""
ADA = Person("pe_1", "ada", Role.OWNER, 1, "$argon2id$ada")
BOB = Person("pe_2", "bob", Role.VIEWER, 1, "$argon2id$bob")


@pytest.fixture
def folder(tmp_path):
    data = tmp_path / "data"
    (data / "sites").mkdir(parents=True)
    (data / "licet.toml").write_text(SETTINGS)
    (data / "sites" / "journal.toml").write_text(POLICY)
    PeopleFile(data / "operator.json").change(lambda _access: (Access(People((ADA, BOB))), None))
    return data


def stamps(folder):
    return {
        path.relative_to(folder): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


def changed(text, before, after):
    assert before in text
    return text.replace(before, after)


def test_what_is_taken_has_comments_and_no_secret_and_is_the_same_each_time(folder):
    text = written(taken(folder))
    assert text == written(taken(folder))
    for said in (
        "# Where people come in",
        "# behind the proxy",
        "# tier 1",
        "dpop_nonces = true",
        "ada",
        "bob",
    ):
        assert said in text
    for secret in ("very-secret-token", "0.4321", "argon2id", "position"):
        assert secret not in text
    whole = written(taken(folder, positions=True, hashes=True))
    assert "0.4321" in whole
    assert "$argon2id$ada" in whole
    assert "very-secret-token" not in whole


def test_what_was_taken_changes_nothing_put_back_once_or_twice(folder):
    before = stamps(folder)
    for taking in ({}, {"positions": True, "hashes": True}):
        found = read(written(taken(folder, **taking)), "f.toml")
        assert proposed(folder, found) == ()
        put(folder, found, 5)
        put(folder, found, 6)
        assert stamps(folder) == before


def test_a_change_is_told_by_file_and_key_and_keeps_secrets_floors_and_comments(folder):
    text = changed(written(taken(folder)), "port = 9000", "port = 9001")
    text = changed(text, 'per_fetch = "0.02"', 'per_fetch = "0.03"')
    text = changed(text, 'name = "bob"\nrole = "viewer"', 'name = "bob"\nrole = "auditor"')
    found = read(text + '\n[[people]]\nname = "eve"\nrole = "viewer"\n', "f.toml")
    told = [(each.file, each.key, each.before, each.after) for each in proposed(folder, found)]
    assert told == [
        ("licet.toml", "listen.port", "9000", "9001"),
        ("sites/journal.toml", "offers.training.price.per_fetch", "0.02", "0.03"),
        ("people", "bob", "viewer", "auditor"), ("people", "eve", "", "viewer"),
    ]  # fmt: skip
    put(folder, found, 5)
    assert proposed(folder, found) == ()
    after = stamps(folder)
    put(folder, found, 9)
    assert stamps(folder) == after
    settings_ = (folder / "licet.toml").read_text()
    assert "very-secret-token" in settings_
    assert "# behind the proxy" in settings_
    policy = tomllib.loads((folder / "sites" / "journal.toml").read_text())
    assert policy["offers"]["training"]["position"]["floor"] == "0.4321"
    people = PeopleFile(folder / "operator.json").read().people
    assert people.called("bob").password == "$argon2id$bob"
    assert people.called("bob").role is Role.AUDITOR
    assert people.called("eve").invited


def test_a_floor_that_changes_is_told_without_its_amount(folder):
    found = taken(folder, positions=True)
    text = changed(found.files["sites/journal.toml"], "0.4321", "0.5555")
    told = proposed(folder, Portable({"sites/journal.toml": text}))
    assert [(each.key, each.before, each.after) for each in told] == [
        ("offers.training.position.floor", "(hidden)", "(hidden)")
    ]


def test_every_mistake_is_told_at_once_and_nothing_is_touched(folder):
    before = stamps(folder)
    files = {
        "licet.toml": "[listen]\nport = 99999\n[nonsense]\nx = 1\n",
        "sites/journal.toml": changed(POLICY, "per_fetch", "per_fitch"),
        "sites/other.toml": "this is no toml",
    }
    with pytest.raises(ConfigurationError) as told:
        put(folder, Portable(files, (("ada", "viewer", False, ""), ("no name", "viewer", False, ""))), 5)
    found = {(each.file, each.key) for each in told.value.mistakes}
    assert {("licet.toml", "listen.port"), ("licet.toml", "nonsense")} <= found
    assert any(file == "sites/journal.toml" and "price" in key for file, key in found)
    assert any(file == "sites/other.toml" for file, _ in found)
    assert ("people", "no name") in found
    assert stamps(folder) == before
    with pytest.raises(ConfigurationError, match="no owner who can sign in would be left"):
        checked(folder, Portable({}, (("ada", "owner", True, ""),)))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("version = 2", "version"), ("x = 1\nversion = 1", "x"), ("version = 1\nfiles = 3", "files"),
        ('version = 1\n[[files]]\npath = "../x"\ntext = ""', "files.0.path"),
        ('version = 1\n[[files]]\npath = "sites/../../x.toml"\ntext = ""', "files.0.path"),
        ('version = 1\n[[files]]\npath = "/etc/passwd"\ntext = ""', "files.0.path"),
        ('version = 1\n[[files]]\npath = "keys/k.toml"\ntext = ""', "files.0.path"),
        ('version = 1\n[[files]]\npath = "licet.toml"', "files.0.text"),
        ('version = 1\n[[people]]\nname = "a"\nrole = "king"', "people.0.role"),
        ('version = 1\n[[people]]\nname = 7\nrole = "owner"', "people.0.name"),
        ('version = 1\n[[people]]\nname = "a"\nrole = "owner"\ndisabled = 1', "people.0"),
        ("not toml", ""),
    ],
)  # fmt: skip
def test_a_file_that_is_none_says_where(text, key):
    with pytest.raises(ConfigurationError) as told:
        read(text, "f.toml")
    assert [(each.file, each.key) for each in told.value.mistakes] == [("f.toml", key)]


def test_an_empty_folder_is_filled(folder, tmp_path):
    (tmp_path / "new").mkdir()
    found = taken(folder, positions=True, hashes=True)
    put(tmp_path / "new", found, 5)
    assert taken(tmp_path / "new", positions=True, hashes=True).files == found.files
    assert (tmp_path / "new" / "licet.toml").stat().st_mode & 0o777 == 0o600
    assert (
        PeopleFile(tmp_path / "new" / "operator.json").read().people.called("ada").password == "$argon2id$ada"
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_comes_back(one, other):
    found = Portable(
        {
            "licet.toml": one.encode("utf-8", "replace").decode(),
            "sites/a.toml": f"'''{other.encode('utf-8', 'replace').decode()}",
        }
    )
    assert read(written(found), "f").files == found.files


def test_only_comments_that_differ_are_told_as_such():
    before = Portable({"licet.toml": "[listen]\nport = 1\n"})
    (told,) = differences(before, Portable({"licet.toml": "# x\n[listen]\nport = 1\n"}))
    assert (told.key, told.before) == ("", "comments, order or spaces")


def test_whom_nothing_is_held_against_comes_along_and_is_checked(folder, tmp_path):
    lines = '# by hand\n[[exempt]]\nnetwork = "203.0.113.0/24"\n'
    (folder / "people.toml").write_text(lines)
    found = read(written(taken(folder)), "file")
    assert found.files["people.toml"] == lines
    assert proposed(folder, found) == ()
    with pytest.raises(ConfigurationError) as caught:
        checked(folder, Portable({"people.toml": '[[exempt]]\nreason = "ua_library"\n'}))
    assert "people.toml: exempt[0]" in str(caught.value)
    (folder / "people.toml").unlink()
    put(folder, found, 1)
    assert (folder / "people.toml").read_text() == lines
