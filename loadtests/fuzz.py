"""Coverage-guided fuzzing (atheris, libFuzzer) of what reads octets of strangers.

python -m loadtests.fuzz --target listener --seconds 60 [--corpus DIR]

=========== ======================================================================================
target      what it holds
=========== ======================================================================================
listener    a client's octets: nothing of ours breaks or answers 5xx, every connection ends, and
            three parsers read the same requests at the origin, each of them judged
hygiene     header lines: fields are llhttp's, a refusal is a refusal, and what goes on is a head
            that h11 reads, without what an origin may not be told
answers     an origin's octets: the client gets an answer that h11 reads, or a connection that
            breaks off, and the next request on that connection gets its own answer
=========== ======================================================================================

The two octets FF FE cut an input into segments. The first octet of *answers* says whether HEAD is
asked (1), whether the origin hangs up behind its answer (2), and whether a crawler asks (4) or
one that pays (8). It starts from the rows and the
corpus of `tests/hostile` and keeps what reaches new code in DIR. Prints executions, their rate and
new entries; exits 1 on a finding, with the input written to DIR beside the others. Its test group
is ``pip install --group fuzz``.
"""

# ruff: noqa: ARG002, SLF001 - it looks into what it drives

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = ROOT / "tests" / "hostile"
CUT = b"\xff\xfe"
#: Longer seeds take long and teach little.
_LONGEST = 4096
_SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"
#: A request that came back to where it started is refused with a 502, and rightly.
_LOOP = b"came back to where it started"


class Finding(AssertionError):
    """An input that breaks what its target holds."""


def _module(name: str, path: Path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Hostile:
    """The modules of `tests/hostile` that the targets are made of, loaded once."""

    def __init__(self) -> None:
        self.kit = _module("licet_fuzz_kit", ROOT / "tests" / "front" / "kit.py")
        self.recording = _module("licet_fuzz_recording", HOSTILE / "recording.py")
        self.in_memory = _module("licet_fuzz_in_memory", HOSTILE / "in_memory.py")
        self.rows = _module("licet_fuzz_rows", HOSTILE / "rows.py")
        self.egress = _module("licet_fuzz_egress", HOSTILE / "test_egress.py")
        self.answers = _module("licet_fuzz_answers", HOSTILE / "test_fuzzed_answers.py")


class ListenerTarget:
    """A client's octets."""

    def __init__(self, tests: Hostile, loop: asyncio.AbstractEventLoop) -> None:
        self.tests, self.loop = tests, loop
        self.driver = loop.run_until_complete(
            tests.in_memory.MemoryDriver(tests.kit, tests.recording).start()
        )

    def seeds(self) -> Iterator[bytes]:
        for row in (*self.tests.rows.PERSON, *self.tests.rows.CRAWLER):
            yield row.octets
        for path in sorted(HOSTILE.glob("corpus/*.http")):
            yield path.read_bytes()
        for seed in self.tests.egress.SEEDS:
            yield seed + self.tests.egress.LAST
            yield seed[:20] + CUT + seed[20:]

    def tokens(self) -> list[bytes]:
        return [*self.tests.egress.TOKENS, CUT, b"User-Agent: GPTBot\r\n", b"X-Pay: 1\r\n"]

    def close(self) -> None:
        self.loop.run_until_complete(self.driver.stop())

    def __call__(self, octets: bytes) -> None:
        outcome = self.loop.run_until_complete(self.driver(*[piece for piece in octets.split(CUT) if piece]))
        wrong = self.tests.egress.faults(outcome, self.tests.recording, self.loop)
        if _LOOP in outcome.client:
            wrong = [each for each in wrong if each != "502 of ours"]
        if wrong:
            raise Finding(wrong)


class AnswersTarget:
    """An origin's octets."""

    def __init__(self, tests: Hostile, loop: asyncio.AbstractEventLoop) -> None:
        self.tests, self.loop = tests, loop
        self.script: tuple[list[bytes], bool] = ([], False)
        target = self

        class Scripted(asyncio.Protocol):
            """Says the script to a request for /0, and that it is the second to any other."""

            def __init__(self, recorder) -> None:
                self.raw = b""

            def connection_made(self, transport) -> None:
                self.transport = transport

            def data_received(self, data: bytes) -> None:
                self.raw += data
                while b"\r\n\r\n" in self.raw:
                    head, _, self.raw = self.raw.partition(b"\r\n\r\n")
                    if b" /0 " in head:
                        self._say(*target.script)
                    else:
                        self.transport.write(_SECOND)

            def _say(self, pieces: list[bytes], hang_up: bool) -> None:
                if pieces:
                    self.transport.write(pieces[0])
                    target.loop.call_soon(target.loop.call_soon, self._say, pieces[1:], hang_up)
                elif hang_up:
                    self.transport.close()

        driver = tests.in_memory.MemoryDriver(tests.kit, tests.recording, Scripted)
        self.driver = loop.run_until_complete(driver.start())

    def seeds(self) -> Iterator[bytes]:
        for seed in self.tests.answers.SEEDS:
            for flags in (b"\0", b"\1", b"\2", b"\3", b"\4", b"\5", b"\6", b"\x08", b"\x0a"):
                yield flags + seed
            yield b"\2" + seed[:20] + CUT + seed[20:-3] + CUT + seed[-3:]

    def tokens(self) -> list[bytes]:
        return [*self.tests.answers.TOKENS, CUT, b"Connection: keep-alive\r\n", b"X: "]

    def close(self) -> None:
        self.loop.run_until_complete(self.driver.stop())

    def __call__(self, octets: bytes) -> None:
        flags, bent = octets[:1], octets[1:]
        number = flags[0] if flags else 0
        self.script = ([piece for piece in bent.split(CUT) if piece], bool(number & 2))
        method = "HEAD" if number & 1 else "GET"
        who = ["User-Agent: GPTBot/1.2"] * bool(number & 12) + ["X-Pay: 1"] * bool(number & 8)
        get = self.tests.kit.get
        sent = get("/0", *who, method=method, close=False) + get("/1", *who)
        outcome = self.loop.run_until_complete(self.driver(sent))
        read = self.tests.answers._answers(outcome.client, [method, "GET"])
        told = self.tests.answers._wrong(bent, outcome.client, self.driver.reset, read, method)
        wrong = [*outcome.broke, *[told] * bool(told), *["it never ended"] * (not outcome.ended)]
        if wrong:
            raise Finding(wrong, outcome)


class HygieneTarget:
    """Header lines."""

    def __init__(self, tests: Hostile, loop: asyncio.AbstractEventLoop) -> None:
        import h11
        import httptools

        from gateway.front import guard, header_block
        from gateway.origin import request_octets, routing

        self.tests, self.h11, self.httptools = tests, h11, httptools
        self.guard, self.block, self.octets = guard, header_block, request_octets
        self.place = routing.read_upstream("http://127.0.0.1:1")

    def seeds(self) -> Iterator[bytes]:
        for row in self.tests.rows.PERSON:
            yield row.octets.partition(b"\r\n\r\n")[0].partition(b"\r\n")[2] + b"\r\n"
        for seed in self.tests.egress.SEEDS:
            yield seed.partition(b"\r\n\r\n")[0].partition(b"\r\n")[2] + b"\r\n"

    def tokens(self) -> list[bytes]:
        return self.tests.egress.TOKENS

    def close(self) -> None:
        """Hold nothing."""

    def __call__(self, octets: bytes) -> None:
        found: list[tuple[bytes, bytes]] = []
        whole: list[bool] = []

        class Reader:
            def on_header(self, name: bytes, value: bytes) -> None:
                found.append((name, value))

            def on_headers_complete(self) -> None:
                whole.append(True)

        try:
            self.httptools.HttpRequestParser(Reader()).feed_data(b"GET /x HTTP/1.1\r\n" + octets + b"\r\n")
        except self.httptools.HttpParserUpgrade:
            pass
        except self.httptools.HttpParserError:
            return
        if not whole or b"\r\n\r\n" in octets or octets[:2] == b"\r\n" or not octets.endswith(b"\r\n"):
            return
        block = self.block.HeaderBlock(octets)
        fields = [(name.lower().decode("ascii"), value.rstrip(b" \t")) for name, value in found]
        ours = [(name, value.encode("utf-8", "surrogateescape")) for name, value in block.fields]
        if fields != ours:
            raise Finding("fields differ", fields, ours)
        refusal = self.guard.guard("GET", "/x", (1, 1), block.fields)
        if (refusal is None) != (block.refusal is None):
            raise Finding("the guard and the block differ", refusal, block.refusal)
        if refusal is None:
            self._told(block)

    def _told(self, block) -> None:
        from gateway.origin.header_hygiene import asked_protocol

        ask = self.tests.answers._ask(block.fields)
        protocol = asked_protocol(ask)
        message = self.octets.request_octets(ask, self.place, -1, protocol, (), body=False)
        reading = self.tests.recording.hyper(message)
        if reading.rest or len(reading.messages) != 1:
            raise Finding("h11 reads no request", message, reading)
        names = [name for name, _ in reading.messages[0].headers]
        odd = [name for name in names if not self.tests.egress._may_be_told(name)]
        if odd or names.count(b"host") != 1 or (b"upgrade" in names) != bool(protocol):
            raise Finding("headers that an origin may not be told", odd, message)


TARGETS: dict[str, Callable] = {
    "listener": ListenerTarget,
    "hygiene": HygieneTarget,
    "answers": AnswersTarget,
}


def _inside(name: str, flags: list[str]) -> None:
    """Be the fuzzer: atheris never returns."""
    import atheris

    with atheris.instrument_imports(include=["gateway"]):
        tests = Hostile()
    logging.disable()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    atheris.Setup([sys.argv[0], *flags], TARGETS[name](tests, loop))
    atheris.Fuzz()


def _fuzz(name: str, seconds: int, corpus: Path) -> int:
    """Run the fuzzer in a process of its own; 1 on a finding."""
    loop = asyncio.new_event_loop()
    target = TARGETS[name](Hostile(), loop)
    target.close()
    loop.close()
    corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        for number, seed in enumerate(target.seeds()):
            if len(seed) <= _LONGEST:
                (seeds / f"{number:04}").write_bytes(seed)
        words = Path(folder) / "words"
        spelled = ["".join(f"\\x{octet:02x}" for octet in token) for token in target.tokens()]
        words.write_text("".join(f'"{word}"\n' for word in spelled), encoding="ascii")
        flags = [
            f"-max_total_time={seconds}", f"-max_len={_LONGEST}", f"-artifact_prefix={corpus}/finding-", f"-dict={words}",
            "-print_final_stats=1", "-timeout=20", "-rss_limit_mb=2048", str(corpus), str(seeds),
        ]  # fmt: skip
        before = set(corpus.iterdir())
        ran = subprocess.run(
            [sys.executable, "-m", "loadtests.fuzz", "--inside", name, *flags],
            capture_output=True, cwd=ROOT, check=False,
        )  # fmt: skip
    said = ran.stderr.decode("utf-8", "replace")
    figures = dict(re.findall(r"stat::(\w+):\s+([0-9]+)", said))
    new = set(corpus.iterdir()) - before
    print(
        f"{name}: {figures.get('number_of_executed_units', 'no')} executions, "
        f"{figures.get('average_exec_per_sec', '0')} a second, {len(new)} new entries in {corpus}"
    )
    if ran.returncode == 0:
        return 0
    print(ran.stdout.decode("utf-8", "replace")[-6000:], said[-6000:], sep="\n")
    print("written down:", *sorted(str(path) for path in new if path.name.startswith("finding-")))
    return 1


def main() -> int:
    """Read the command line and fuzz."""
    if sys.argv[1:2] == ["--inside"]:
        _inside(sys.argv[2], sys.argv[3:])
        return 0
    parser = argparse.ArgumentParser(description="Fuzz what reads octets of strangers.")
    parser.add_argument("--target", choices=sorted(TARGETS), required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument(
        "--corpus", type=Path, help="kept between runs; default loadtests/results/fuzz/TARGET"
    )
    chosen = parser.parse_args()
    corpus = chosen.corpus or ROOT / "loadtests" / "results" / "fuzz" / chosen.target
    return _fuzz(chosen.target, chosen.seconds, corpus.resolve())


if __name__ == "__main__":
    sys.exit(main())
