import os

import pytest

from gateway.policy.reading import default_policy
from gateway.policy.reload import PolicyShelf
from gateway.policy.rules import Mode
from gateway.problems import ConfigurationError

SITE = 'stance = "{stance}"\n[site]\nhosts = {hosts}\norigin = "http://127.0.0.1:8000"\n'


def write(folder, name, hosts='["{name}.example"]', stance="open", extra=""):
    path = folder / f"{name}.toml"
    path.write_text(SITE.format(stance=stance, hosts=hosts.format(name=name)) + extra)
    return path


def touch(path):
    """Give *path* another time than it has, whatever the file system's clock resolves."""
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000_000))


def test_a_host_finds_its_own_site_then_the_one_for_any(tmp_path):
    write(tmp_path, "one")
    write(tmp_path, "rest", '["*"]')
    shelf = PolicyShelf(tmp_path)
    assert [policy.site.id for policy in shelf.policies] == ["one", "rest"]
    assert shelf.of_host("one.example").site.id == "one"
    assert shelf.of_host("ONE.example.").site.id == "one"
    assert shelf.of_host("two.example").site.id == "rest"
    assert shelf.of_site("rest").site.id == "rest"
    assert shelf.of_site("none") is None
    (tmp_path / "rest.toml").unlink()
    assert shelf.reload() == ()
    assert shelf.of_host("two.example") is None
    assert shelf.generation == 2


def test_a_mistake_changes_nothing(tmp_path):
    one, two = write(tmp_path, "one"), write(tmp_path, "two")
    shelf = PolicyShelf([one, two])
    before = shelf.policies
    write(tmp_path, "one", stance="closed")
    write(tmp_path, "two", extra='mode = "loud"\n')
    mistakes = shelf.reload()
    assert [(mistake.file, mistake.key) for mistake in mistakes] == [(str(two), "site.mode")]
    assert shelf.policies is before
    assert shelf.of_host("one.example").stance == "open"
    assert shelf.generation == 1
    write(tmp_path, "two")
    assert shelf.reload() == ()
    assert shelf.of_host("one.example").stance == "closed"
    assert shelf.generation == 2


def test_it_sees_what_changed_on_disk_once(tmp_path):
    one = write(tmp_path, "one")
    shelf = PolicyShelf(tmp_path)
    assert not shelf.changed_on_disk()
    touch(one)
    assert shelf.changed_on_disk()
    shelf.reload()
    assert not shelf.changed_on_disk()
    two = write(tmp_path, "two", stance="none such")
    assert shelf.changed_on_disk()
    assert shelf.reload()
    assert not shelf.changed_on_disk()
    two.unlink()
    assert shelf.changed_on_disk()
    one.unlink()
    assert [str(mistake) for mistake in shelf.reload()] == [
        f"{tmp_path}: holds no policy; `licet init` writes one"
    ]
    assert shelf.of_site("one") is not None


def test_a_named_file_that_vanished_is_a_mistake(tmp_path):
    one = write(tmp_path, "one")
    shelf = PolicyShelf((one,))
    one.unlink()
    assert shelf.changed_on_disk()
    assert "No such file" in str(shelf.reload()[0])


def test_one_host_and_one_id_belong_to_one_site(tmp_path):
    write(tmp_path, "one", '["a.example", "*"]')
    write(tmp_path, "two", '["*", "A.example"]', extra='id = "one"\n')
    with pytest.raises(ConfigurationError) as caught:
        PolicyShelf(tmp_path)
    assert [mistake.key for mistake in caught.value.mistakes] == ["site.id", "site.hosts", "site.hosts"]


def test_nothing_to_start_with_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="holds no policy"):
        PolicyShelf(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        PolicyShelf(tmp_path / "none.toml")


def test_policies_can_come_from_a_function(tmp_path):
    shelf = PolicyShelf(lambda: (default_policy("http://127.0.0.1:8000"),))
    assert shelf.of_host("anything").site.id == "site"
    assert not shelf.changed_on_disk()
    assert shelf.reload() == ()
    with pytest.raises(ConfigurationError, match=r"site\.origin"):
        PolicyShelf(lambda: (default_policy("nowhere"),))


def test_overrides_hold_for_every_file_and_every_reload(tmp_path):
    write(tmp_path, "one")
    shelf = PolicyShelf(tmp_path, overrides={"site.mode": "enforce"})
    shelf.reload()
    assert shelf.of_site("one").site.mode is Mode.ENFORCE


def test_positions_are_taken_up_with_the_policies_and_stay_with_the_last_good(tmp_path):
    file = tmp_path / "journal.toml"
    text = (
        'stance = "search-free-training-paid"\n[site]\nhosts = ["a.example"]\norigin = "http://127.0.0.1:8000"\n'
        '[[works]]\nid = "essays"\npaths = ["/essays/"]\nrights = "own"\npeople = "none"\n'
        '[offers.training.position]\nfloor = "0.5"\ntarget = "0.9"\n'
    )
    file.write_text(text, encoding="utf-8")
    shelf = PolicyShelf(tmp_path)
    offer = shelf.policies[0].by_offer["training"]
    assert shelf.position("journal", offer).floor_micros == 500_000
    file.write_text(text.replace('"0.5"', '"1.5"'), encoding="utf-8")
    assert shelf.reload()
    assert shelf.position("journal", offer).floor_micros == 500_000
    file.write_text(text.replace('"0.5"', '"0.7"'), encoding="utf-8")
    assert not shelf.reload()
    assert shelf.position("journal", offer).floor_micros == 700_000
    assert shelf.position("elsewhere", offer).floor_micros == 1_000_000, (
        "where nothing is written the price stands"
    )


def test_a_policy_cites_the_record_of_its_being_put_in_force_and_only_that(tmp_path):
    file = write(tmp_path, "one")
    shelf = PolicyShelf(tmp_path)
    first = shelf.of_site("one")
    shelf.cite("one", first.digest, "co-1")
    assert shelf.of_site("one").consent == shelf.of_host("one.example").consent == "co-1"
    assert shelf.of_site("one") == first
    file.write_text(SITE.format(stance="closed", hosts='["one.example"]'))
    assert shelf.reload() == ()
    assert shelf.of_site("one").consent == ""
    file.write_text(SITE.format(stance="open", hosts='["one.example"]'))
    shelf.reload()
    assert shelf.of_site("one").consent == "co-1"
