"""Each time a policy is put in force there is one record, whoever did it and whatever breaks in between."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from gateway.app.consent_recording import ConsentRecording, recorded
from gateway.clock import HandClock
from gateway.dashboard.policy_shelf import BY_GRID, PolicyFiles, digest_of
from gateway.policy.reload import PolicyShelf
from gateway.problems import StoreUnavailable
from gateway.provenance.audit import audit, export_entries
from gateway.provenance.consent_note import consent_of_whom
from gateway.provenance.journal import Journal

TEXT = """stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
"""
NAME = "Ada Example"


class Room:
    def __init__(self, folder):
        self.folder, self.clock = folder, HandClock()
        self.file = folder / "sites" / "journal.toml"
        self.file.parent.mkdir()
        self.file.write_text(TEXT)
        self.shelf = PolicyShelf(folder / "sites")
        self.files = PolicyFiles(lambda: self.shelf, folder / "versions", self.clock)
        self.journal = Journal.open(folder / "journal", "office", clock=self.clock, reserve_bytes=0)

    def recording(self, journal=None):
        return ConsentRecording(
            lambda: self.shelf,
            self.files,
            self.folder / "versions",
            journal or self.journal,
            self.entered,
            self.clock,
        )

    async def entered(self, id):
        return id in await self.records()

    async def records(self):
        found = await asyncio.to_thread(lambda: list(export_entries(self.folder / "journal")))
        return {each["entry"]["id"]: each["entry"] for each in found if each["kind"] == "consent"}


@pytest.fixture
async def room(tmp_path):
    made = Room(tmp_path)
    yield made
    await made.journal.close()


async def test_what_the_file_says_at_first_is_recorded_once_and_cited(room):
    recording = room.recording()
    await recording.act()
    await recording.act()
    await room.recording().act()
    ((id, record),) = (await room.records()).items()
    policy = room.shelf.of_site("journal")
    assert policy.consent == id
    assert (record["policy"], record["before"], record["through"]) == (policy.digest, "", "the file")
    assert (record["who"], record["words"]) == ("", [])
    assert (await asyncio.to_thread(audit, room.folder / "journal")).fault_count == 0


async def test_a_page_is_recorded_with_who_said_yes_to_which_words_and_the_name_is_only_committed_to(room):
    recording = room.recording()
    await recording.act()
    first = room.shelf.of_site("journal")
    changed = TEXT + '[[rules]]\nthen = "refuse"\n'
    assert room.files.activate(
        first, changed, digest_of(TEXT), by=BY_GRID, who=NAME, words=("It is refused.",)
    )
    assert room.shelf.reload() == ()
    assert room.shelf.of_site("journal").consent == ""
    await recording.act()
    now = room.shelf.of_site("journal")
    record = (await room.records())[now.consent]
    assert record["words"] == ["It is refused."]
    assert record["before"] == first.digest
    assert record["through"] == BY_GRID
    assert NAME not in orjson.dumps(record).decode()
    lines = [
        orjson.loads(line)
        for line in (room.folder / "versions/journal/consents.jsonl").read_bytes().splitlines()
    ]
    beside = next(each for each in lines if each.get("note", {}).get("id") == now.consent)
    assert record["who"] == consent_of_whom(beside["who"], bytes.fromhex(beside["salt"]))
    assert (room.folder / "versions/journal/consents.jsonl").stat().st_mode & 0o077 == 0


async def test_going_back_is_a_consent_of_its_own_and_a_comment_is_none(room):
    recording = room.recording()
    await recording.act()
    for text in (TEXT + "# a comment\n", TEXT + '[[rules]]\nthen = "refuse"\n', TEXT):
        room.file.write_text(text)
        room.shelf.reload()
        await recording.act()
    records = list((await room.records()).values())
    assert len(records) == 3
    assert records[0]["policy"] == records[2]["policy"] != records[1]["policy"]
    assert room.shelf.of_site("journal").consent == records[2]["id"]


async def test_what_the_journal_did_not_take_is_recorded_when_it_does_and_as_the_same(room):
    class Full:
        writer = "office"

        async def keep(self, entry):
            raise StoreUnavailable("no room")

    await room.recording(Full()).act()
    assert room.shelf.of_site("journal").consent == ""
    room.clock.advance(60)
    await room.recording().act()
    ((id, record),) = (await room.records()).items()
    assert room.shelf.of_site("journal").consent == id
    assert record["time_us"] < room.clock.now_us()


async def test_a_crash_between_writing_and_marking_counts_once(room):
    await room.recording().act()
    file = room.folder / "versions/journal/consents.jsonl"
    whole = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(whole[0] + b'{"kept": "')
    await room.journal.close()
    room.journal = Journal.open(room.folder / "journal", "office", clock=room.clock, reserve_bytes=0)
    await room.recording().act()
    assert len(await room.records()) == 1
    assert orjson.loads(file.read_bytes().splitlines()[-1])["kept"] in await room.records()
    assert (await asyncio.to_thread(audit, room.folder / "journal")).fault_count == 0


async def test_the_history_tells_who_until_that_is_erased_and_passes_over_what_is_broken(room):
    recording = room.recording()
    await recording.act()
    first = room.shelf.of_site("journal")
    room.files.activate(
        first, TEXT + '[[rules]]\nthen = "refuse"\n', digest_of(TEXT), who=NAME, words=("Yes.",)
    )
    room.shelf.reload()
    await recording.act()
    file = room.folder / "versions/journal/consents.jsonl"
    file.write_bytes(file.read_bytes() + b'{"note": 1}\n[]\n{"note": {"v": 9}}\nnull\n{"no')
    found = recorded(room.folder / "versions", "journal")
    assert [(each.who, each.note.words) for each in found] == [("", ()), (NAME, ("Yes.",))]
    assert recorded(room.folder / "versions", "nobody") == ()
