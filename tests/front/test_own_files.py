import asyncio

import pytest

from gateway.front.own_files import FRESH_SECONDS, OwnFile, OwnFiles
from gateway.origin.small import SMALL_BYTES, SmallAnswer
from gateway.policy.rules import Mode, Site
from gateway.problems import Refusal

SITE = Site("journal", ("journal.example",), "http://127.0.0.1:8000", Mode.ENFORCE, "USD")


@pytest.fixture
def files(clock):
    """Files of a server that answers each path as told, and counts."""

    def make(**answers):
        asked = []

        async def fetch(upstream, target, *, public=""):
            asked.append(target)
            await asyncio.sleep(0)
            return answers[target.strip("/").replace(".", "_")]

        return OwnFiles(fetch, clock), asked

    return make


async def test_each_path_is_a_file_of_its_own(files, clock):
    kept, asked = files(
        llms_txt=SmallAnswer(200, "text/markdown", b"# Tides\n"), trust_txt=SmallAnswer(503, "", b"")
    )
    assert kept.at_hand(SITE, "/llms.txt") is None
    found = await kept.read(SITE, "/llms.txt")
    assert isinstance(found, OwnFile) and found.body == b"# Tides\n" and not found.cut
    refusal = await kept.read(SITE, "/trust.txt")
    assert (
        isinstance(refusal, Refusal) and refusal.detail == "The site's own server did not give its trust.txt."
    )
    assert kept.at_hand(SITE, "/llms.txt") is found
    assert (await kept.read(SITE, "/llms.txt"), asked) == (found, ["/llms.txt", "/trust.txt"])
    clock.advance(FRESH_SECONDS)
    assert kept.at_hand(SITE, "/llms.txt") is None


@pytest.mark.parametrize(
    ("media", "body", "own"),
    [
        ("text/plain", b"\xef\xbb\xbf \n<!DOCTYPE HTML><p>No such page", None),
        ("text/plain", b"<html><p>No such page", None),
        ("TEXT/HTML; charset=utf-8", b"# Tides", None),
        ("", b"<!-- a comment --># Tides", b"<!-- a comment --># Tides"),
        ("application/json", b"", b""),
    ],
)
async def test_a_page_is_no_file(files, media, body, own):
    kept, _ = files(llms_txt=SmallAnswer(200, media, body))
    assert (await kept.read(SITE, "/llms.txt")).body == own


async def test_what_was_not_read_to_its_end_says_so(files):
    kept, _ = files(llms_txt=SmallAnswer(200, "text/plain", b"x" * SMALL_BYTES))
    assert (await kept.read(SITE, "/llms.txt")).cut
