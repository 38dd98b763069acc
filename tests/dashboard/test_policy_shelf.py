"""Policy files: what is tried, what is put in force, and what was."""

from __future__ import annotations

import threading
from pathlib import Path

from gateway.dashboard.policy_shelf import BY_FILE, BY_PAGE, OPERATOR, PolicyFiles, Version, digest_of
from gateway.policy.reload import PolicyShelf

OTHER = """
stance = "closed"
[site]
id = "other"
hosts = ["other.example"]
origin = "http://127.0.0.1:2"
"""


def file_of(files: PolicyFiles) -> Path:
    return files.file(files.policies[0])


def test_a_text_is_read_as_if_it_stood_in_the_file(files):
    [policy] = files.policies
    text = files.text(policy)
    assert files.tried(policy, text).policy.digest == policy.digest
    wrong = files.tried(policy, text.replace('rights = "own"', 'rights = "mine"').replace('"0.02"', '"-2"'))
    assert wrong.policy is None
    assert [(line, mistake.key) for line, mistake in wrong.mistakes] == [
        (10, "works[0].rights"),
        (15, "offers.training.price.per_fetch"),
    ]
    assert files.tried(policy, "x" * 1_000_001).policy is None
    assert files.tried(policy, text.replace('id = "journal"', 'id = "else"')).mistakes[0][1].key == "site.id"
    # Trying changes nothing.
    assert files.text(policy) == text


def test_a_host_of_another_site_is_a_mistake_before_it_is_in_force(files, clock):
    file = file_of(files)
    (file.parent / "other.toml").write_text(OTHER)
    shelf = PolicyShelf(file.parent)
    both = PolicyFiles(lambda: shelf, file.parent / "versions", clock)
    policy = shelf.of_site("journal")
    text = both.text(policy).replace('["journal.example"]', '["journal.example", "other.example"]')
    [(line, mistake)] = both.tried(policy, text).mistakes
    assert (line, mistake.key) == (5, "site.hosts")
    assert "other" in mistake.expected


def test_what_is_put_in_force_replaces_the_file_whole_and_is_kept(files, clock):
    [policy] = files.policies
    file, text = file_of(files), files.text(policy)
    file.chmod(0o640)
    changed = text.replace('"0.02"', '"0.03"  # a little more')
    assert files.activate(policy, changed, digest_of(text))
    assert file.read_text() == changed
    assert file.stat().st_mode & 0o777 == 0o640
    at = clock.now_us() // 1_000_000
    assert files.versions(policy) == (
        Version(at, BY_PAGE, digest_of(changed), OPERATOR),
        Version(at, BY_FILE, digest_of(text)),
    )
    assert files.version("journal", digest_of(text)) == text
    assert files.version("journal", digest_of(changed)) == changed
    kept = file.parent.parent / "policy-versions" / "journal"
    assert {each.stat().st_mode & 0o777 for each in kept.glob("*.toml")} == {0o600}


def test_a_text_made_from_another_version_is_not_put_in_force(files):
    [policy] = files.policies
    file, text = file_of(files), files.text(policy)
    by_hand = text + "# by hand\n"
    file.write_text(by_hand)
    assert not files.activate(policy, text + "# by page\n", digest_of(text))
    assert file.read_text() == by_hand


def test_what_was_written_by_hand_is_a_version_once_it_is_seen(files):
    [policy] = files.policies
    file, text = file_of(files), files.text(policy)
    assert [each.by for each in files.versions(policy)] == [BY_FILE]
    file.write_text(text + "# by hand\n")
    found = files.versions(policy)
    assert [each.sha256 for each in found] == [digest_of(text + "# by hand\n"), digest_of(text)]
    assert files.versions(policy) == found


def test_of_many_at_once_one_wins(files):
    [policy] = files.policies
    text = files.text(policy)
    won: list[int] = []
    together = threading.Barrier(8)

    def put(number: int) -> None:
        together.wait()
        if files.activate(policy, f"{text}# {number}\n", digest_of(text)):
            won.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert file_of(files).read_text() == f"{text}# {won[0]}\n"
    assert len(files.versions(policy)) == 2


def test_a_torn_line_and_a_foreign_name_are_nothing(files):
    [policy] = files.policies
    files.versions(policy)
    lines = file_of(files).parent.parent / "policy-versions" / "journal" / "versions.jsonl"
    with lines.open("ab") as opened:
        opened.write(b'{"at": 17')
    assert len(files.versions(policy)) == 1
    for name in ("../journal", "x" * 64, "", "versions.jsonl"):
        assert files.version("journal", name) is None


def test_rules_without_a_file_have_no_versions(clock, tmp_path):
    from gateway.policy.reading import default_policy

    shelf = PolicyShelf(lambda: (default_policy("http://127.0.0.1:1"),))
    files = PolicyFiles(lambda: shelf, tmp_path / "versions", clock)
    assert files.file(files.policies[0]) is None
    assert files.versions(files.policies[0]) == ()
    assert files.text(files.policies[0]) == ""
