"""`licet who`: who sent this, and why do we think so?"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, table, tell

if TYPE_CHECKING:
    from gateway.app.explaining import Explaining
    from gateway.ask import Ask
    from gateway.cli.access_log import Hit

#: Answers that are written together.
_BATCH = 1024
#: A line of a log that has no User-Agent: nothing is known of who asked.
_UNTOLD = ("-", "(the log has no User-Agent)", "", "-")


def who(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="An access log, or with --jsonl requests; - is stdin."),
    ] = None,
    ua: Annotated[str | None, typer.Option("--ua", metavar="TEXT", help="The User-Agent.")] = None,
    ip: Annotated[str, typer.Option("--ip", metavar="ADDRESS", help="The client's address.")] = "",
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="'NAME: VALUE'", help="Another header; may be given again. Give all or none."),
    ] = None,
    site: Annotated[
        str, typer.Option(metavar="HOST", help="The site that was asked; signatures cover it.")
    ] = "site.example",
    method: Annotated[str, typer.Option(metavar="METHOD", help="The method.")] = "GET",
    path: Annotated[str, typer.Option(metavar="PATH", help="Path and query.")] = "/",
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Read one request a line, write one verdict a line.")
    ] = False,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Ask DNS and key directories; else nothing leaves this machine.")
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Say who sent a request, and why.

    Every piece of evidence with its weight, the verdict, and what would have
    changed it. With FILE, a whole access log (combined or common format) as a
    table. With --jsonl, one JSON object a line with `ua`, `ip`, `headers` (a
    list of pairs), `method`, `path` and `at`, each optional; the answers have
    `class`, `name`, `operator`, `purposes`, `identity`, `confidence` and
    `reasons`, and a bad line has `line` and `error`. Headers count only where
    more than the User-Agent is given: what nobody captured proves nothing.

    \b
    licet who --ua "GPTBot/1.2" --ip 203.0.113.9
    licet who access.log
    licet who --jsonl requests.jsonl > verdicts.jsonl
    """
    from gateway.visitors.explained import explain, imagined

    explaining = _explaining(data, fetch=fetch)
    origin = f"https://{site.lower()}"
    if jsonl:
        _stream(explaining, file, origin, fetch=fetch)
    elif file is not None:
        _log(explaining, file, origin, as_json=as_json)
    else:
        if ua is None and not ip and not header:
            raise stop("say who: --ua, --ip, --header, or a file; see `licet who --help`")
        pairs = [_pair(text) for text in header or ()]
        ask, whole = imagined(ua, ip, pairs, origin=origin, method=method, target=path, at=int(time.time()))
        told = explain(asyncio.run(explaining.fetched(ask, whole))) if fetch else explaining(ask, whole)
        if as_json:
            emit(told.as_json())
        else:
            print("\n".join(told.lines()))


def _explaining(data: Path, *, fetch: bool) -> Explaining:
    from gateway.app.explaining import Explaining
    from gateway.clock import SystemClock
    from gateway.config import read_config

    return Explaining(read_config(data, environ=os.environ), SystemClock(), fetch=fetch)


def _pair(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise stop(f"--header is 'NAME: VALUE', not {text!r}")
    return name.strip(), value.strip()


def _stream(explaining: Explaining, file: Path | None, origin: str, *, fetch: bool) -> None:
    import orjson

    from gateway.visitors.explained import verdict
    from gateway.visitors.weighing import weigh

    out = sys.stdout.buffer
    count = wrong = 0
    batch: list[bytes] = []
    # One loop for the whole run: what was fetched for one line answers the next.
    with _opened(file) as lines, asyncio.Runner() as runner:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            asked = _asked(line, origin)
            if isinstance(asked, str):
                wrong += 1
                answer: dict[str, Any] = {"line": number, "error": asked}
            elif fetch:
                answer = verdict(weigh(runner.run(explaining.fetched(*asked))))
            else:
                answer = verdict(explaining.visitor(*asked))
            batch.append(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
            if len(batch) >= _BATCH:
                out.write(b"".join(batch))
                batch.clear()
        out.write(b"".join(batch))
    out.flush()
    tell(counted(count, "line") + (f", {wrong} of them not a request" if wrong else ""))
    if wrong:
        raise typer.Exit(1)


def _asked(line: bytes, origin: str) -> tuple[Ask, bool] | str:
    """The ask that *line* tells of and whether its headers are told, or what is wrong with it."""
    import orjson

    from gateway.visitors.explained import imagined

    try:
        sent = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error}"
    if not isinstance(sent, dict):
        return "not an object"
    try:
        agent, address = _text(sent, "ua", None), _text(sent, "ip", "") or ""
        method, target = _text(sent, "method", "GET") or "GET", _text(sent, "path", "/") or "/"
        return imagined(
            agent, address, _headers(sent), origin=origin, method=method, target=target, at=_at(sent)
        )
    except ValueError as error:
        return str(error)


def _text(sent: dict[str, Any], name: str, otherwise: str | None) -> str | None:
    value = sent.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a string")  # noqa: TRY004 - the one mistake that a line can have
    return value


def _headers(sent: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = sent.get("headers")
    if pairs is None:
        return []
    try:
        found = [(name, value) for name, value in pairs]
    except (TypeError, ValueError):
        found = [(None, None)]
    if not isinstance(pairs, list) or not all(isinstance(a, str) and isinstance(b, str) for a, b in found):
        raise ValueError("headers is not a list of pairs of strings")
    return found


def _at(sent: dict[str, Any]) -> int:
    value = sent.get("at")
    if value is None:
        return int(time.time())
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value).astimezone().timestamp()
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1 << 40:
            return int(value)
    except (ValueError, OverflowError, OSError):
        pass
    raise ValueError("at is neither seconds since the epoch nor a time of ISO 8601")


def _opened(file: Path | None) -> Any:
    return nullcontext(sys.stdin.buffer) if file is None or str(file) == "-" else file.open("rb")


@dataclass
class _Row:
    requests: int = 0
    sent: int = 0


def _log(explaining: Explaining, file: Path, origin: str, *, as_json: bool) -> None:
    from gateway.cli.access_log import LONGEST, read_line

    size = 0 if str(file) == "-" else file.stat().st_size
    rows: dict[tuple[str, str, str, str], _Row] = {}
    unread = 0
    with _opened(file) as lines:
        for line in _shown(lines, size):
            hit = read_line(line[: LONGEST * 4].decode("utf-8", "replace"))
            if hit is None:
                unread += bool(line.strip())
                continue
            row = rows.setdefault(_key(explaining, hit, origin), _Row())
            row.requests += 1
            row.sent += hit.sent
    told = sorted(rows.items(), key=lambda item: (-item[1].requests, item[0]))
    if as_json:
        emit(
            {
                "file": str(file),
                "not_understood": unread,
                "rows": [
                    dict(zip(("class", "name", "operator", "identity"), key, strict=True))
                    | {"requests": row.requests, "bytes": row.sent}
                    for key, row in told
                ],
            }
        )
    else:
        head = ("CLASS", "NAME", "OPERATOR", "IDENTITY", "REQUESTS", "BYTES")
        table(head, [(*key, row.requests, row.sent) for key, row in told])
        tell("unproven shows no evidence of automation; a log holds no headers, so that says little")
    if unread:
        tell(counted(unread, "line is", "lines are") + " in no format that is known here")
    if not rows:
        raise stop(f"{file} holds no line of an access log", 1)


def _key(explaining: Explaining, hit: Hit, origin: str) -> tuple[str, str, str, str]:
    from gateway.visitors.explained import imagined

    if hit.user_agent is None:
        return _UNTOLD
    method, target = hit.method or "GET", hit.target or "/"
    ask, _ = imagined(
        hit.user_agent or None, hit.address, origin=origin, method=method, target=target, at=hit.at
    )
    visitor = explaining.visitor(ask, told=False)
    return visitor.visitor_class.value, visitor.name or "-", visitor.operator or "-", visitor.identity.value


def _shown(lines: BinaryIO, size: int) -> Iterator[bytes]:
    """The lines, with a bar on stderr where somebody watches it."""
    if not size or not sys.stderr.isatty():
        yield from lines
        return
    with typer.progressbar(length=size, label="reading", file=sys.stderr) as bar:
        read = 0
        for line in lines:
            yield line
            read += len(line)
            if read > size // 200:
                bar.update(read)
                read = 0
        bar.update(read)
