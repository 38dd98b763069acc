"""slowhttptest holds hundreds of connections by dripping on them; an honest reader beside it must notice nothing."""

from __future__ import annotations

import http.client
import re
import subprocess
import threading

import pytest

from loadtests.raw_origin import PAGE
from loadtests.serving import PERSON

#: Name, options, and whether its connections stay open to the end.
ATTACKS = {
    "headers": (["-H", "-i", "1"], True),
    "body": (["-B", "-i", "1", "-s", "8192"], True),
    "read": (["-X", "-w", "1", "-y", "2", "-n", "1", "-z", "16", "-k", "3"], True),
    "range": (["-R", "-a", "10", "-b", "3000"], False),
}


class Honest(threading.Thread):
    """Reads the page over new connections until it is stopped, and keeps what was not the page."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port, self.read, self.wrong = port, 0, []
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.005):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                connection.request("GET", "/page.html", headers={"User-Agent": PERSON})
                answer = connection.getresponse()
                body = answer.read()
                if (answer.status, body) != (200, PAGE):
                    self.wrong.append((answer.status, body[:200]))
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
            finally:
                connection.close()
            self.read += 1


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_honest_reader_beside_it_sees_no_error(attack, needs, origin, licet) -> None:
    slowhttptest = needs("slowhttptest", "apt install slowhttptest")
    front = licet(origin)
    options, held = ATTACKS[attack]
    honest = Honest(int(front.rpartition(":")[2]))
    honest.start()
    try:
        done = subprocess.run(
            [
                slowhttptest,
                *options,
                "-c",
                "300",
                "-r",
                "100",
                "-l",
                "5",
                "-p",
                "3",
                "-u",
                f"{front}/page.html",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        honest.stopped.set()
        honest.join()
    told = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", done.stdout)
    assert done.returncode == 0, told[-1000:] + done.stderr
    assert "Test ended" in told, told[-1000:]
    assert re.search(r"service available:\s+YES", told), told[-1000:]
    if held:
        connected = max(int(count) for count in re.findall(r"connected:\s+(\d+)", told))
        assert connected > 100, "the attack held too few connections to mean anything"
    assert honest.read > 20
    assert honest.wrong == []
