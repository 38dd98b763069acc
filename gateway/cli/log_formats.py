"""Access logs as other servers keep them, told apart line by line.

=====================  ==========================================================
combined, common       `access_log`
JSON lines             Caddy's access log (its ``request`` object), nginx with a
                       ``log_format`` of ``escape=json`` and the variables' own
                       names, Cloudflare Logpush ``http_requests``
CloudFront             tab-separated standard logs, by their ``#Fields`` line or
                       in the order of the standard logging reference
=====================  ==========================================================

Lines are somebody else's: what cannot be read is None, and nothing raises.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

import orjson

from gateway.cli.access_log import Hit, read_line, seconds

#: Octets of a line that are read; a longer one is not understood, and is never held whole.
LONGEST_LINE: Final = 1 << 16
#: Later than this no log of the past is: the year 2242.
_LATEST: Final = 1 << 33
_MOST_SENT: Final = (1 << 53) - 1
_GZIP: Final = b"\x1f\x8b"
_CLF_TIME: Final = re.compile(r"(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2}) ([+-]\d{4})", re.ASCII)
_DAY: Final = re.compile(rb"\d{4}-\d\d-\d\d\t")
_NUMBER: Final = re.compile(r"\d{1,20}(?:\.\d{1,9})?", re.ASCII)

#: Names of members, those that say most first. Lower case.
_ADDRESS: Final = (
    "clientip", "client_ip", "remote_addr", "remote_ip", "http_x_real_ip", "client", "ip", "c-ip",
)  # fmt: skip
_AT: Final = (
    "ts", "edgestarttimestamp", "time_iso8601", "msec", "time_local", "@timestamp", "timestamp", "datetime", "time",
)  # fmt: skip
_METHOD: Final = ("clientrequestmethod", "request_method", "method", "cs-method")
_TARGET: Final = ("clientrequesturi", "request_uri", "uri", "url", "path", "clientrequestpath", "cs-uri-stem")
_QUERY: Final = ("args", "query_string", "query", "cs-uri-query")
_STATUS: Final = ("edgeresponsestatus", "status", "status_code", "sc-status")
_SENT: Final = ("edgeresponsebytes", "body_bytes_sent", "bytes_sent", "size", "bytes", "sc-bytes")
_AGENT: Final = (
    "clientrequestuseragent",
    "http_user_agent",
    "user_agent",
    "useragent",
    "agent",
    "cs(user-agent)",
)
_REFERER: Final = ("clientrequestreferer", "http_referer", "referer", "referrer", "cs(referer)")
_HOST: Final = ("clientrequesthost", "x-host-header", "host", "http_host", "server_name", "cs(host)")
#: The columns of CloudFront's standard logs that are read here, where no line names them.
_CLOUDFRONT: Final = (
    "date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(host)", "cs-uri-stem", "sc-status",
    "cs(referer)", "cs(user-agent)", "cs-uri-query", "cs(cookie)", "x-edge-result-type", "x-edge-request-id",
    "x-host-header",
)  # fmt: skip


class LogLines:
    """The lines of one log, plain or gzip, in bounded memory.

    *read* counts the octets of the text taken so far, *prefix* is their SHA-256
    in hex. *broken* says, once the lines ended, why they ended early, or "".
    """

    def __init__(self, file: io.BufferedReader) -> None:
        """Read *file* from where it stands; gzip is known by its first two octets."""
        packed = file.peek(2)[:2] == _GZIP
        self._file = io.BufferedReader(gzip.GzipFile(fileobj=file)) if packed else file
        self._digest = hashlib.sha256()
        self.read = 0
        self.broken = ""

    @property
    def prefix(self) -> str:
        """SHA-256 of everything taken so far."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes | None]:
        """Each line; None for one that is longer than `LONGEST_LINE`."""
        while line := self._piece():
            if line.endswith(b"\n") or len(line) < LONGEST_LINE:
                yield line
                continue
            while (more := self._piece()) and not more.endswith(b"\n"):
                pass
            yield None

    def _piece(self) -> bytes:
        try:
            piece = self._file.readline(LONGEST_LINE)
        except (EOFError, OSError, zlib.error) as error:
            self.broken = str(error) or "it ends in the middle"
            return b""
        self._digest.update(piece)
        self.read += len(piece)
        return piece


class LineReader:
    """Reads the lines of one file; it keeps the columns that a ``#Fields`` line named."""

    def __init__(self) -> None:
        """Start with CloudFront's usual columns."""
        self._columns: tuple[str, ...] = _CLOUDFRONT

    def is_note(self, line: bytes) -> bool:
        """Whether *line* is empty or a note of the log about itself; the names of columns are kept."""
        if line.startswith(b"#Fields:"):
            self._columns = tuple(line[8:].decode("latin-1").lower().split())
        return line.startswith(b"#") or not line.strip()

    def __call__(self, line: bytes) -> Hit | None:
        """The request that *line* tells of, with a time and numbers that a record can hold, or None."""
        if line[:3] == b"\xef\xbb\xbf":
            line = line[3:]
        if line.lstrip()[:1] == b"{":
            hit = _from_json(line)
        elif _DAY.match(line):
            hit = _from_columns(line, self._columns)
        else:
            hit = read_line(line.decode("utf-8", "replace"))
            if hit is not None and hit.sent > _MOST_SENT:
                return None
        if hit is None or not 0 < hit.at < _LATEST or not 0 <= hit.status < 1000:
            return None
        return hit


def _from_json(line: bytes) -> Hit | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        # nginx without escape=json writes \xHH, which JSON does not know; and octets that are no UTF-8.
        text = line.decode("utf-8", "replace").replace("\\x", "\\u00")
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
    return _from_members(_flat(found)) if isinstance(found, dict) else None


def _flat(found: Mapping[str, Any]) -> dict[str, Any]:
    """The members in lower case, with those of Caddy's ``request`` and its two headers among them."""
    members = {key.lower(): value for key, value in found.items()}
    request = members.get("request")
    if not isinstance(request, dict):
        return members
    inner = {key.lower(): value for key, value in request.items()}
    headers = inner.pop("headers", None)
    if isinstance(headers, dict):
        sent = {key.lower(): value for key, value in headers.items()}
        for name in ("user-agent", "referer"):
            value = sent.get(name)
            inner[name.replace("-", "_")] = value[0] if isinstance(value, list) and value else value or ""
    del members["request"]
    return members | inner


def _from_members(members: Mapping[str, Any]) -> Hit | None:
    at = _moment(_first(members, _AT))
    status = _whole(_first(members, _STATUS))
    line = members.get("request")
    method, target = _text(_first(members, _METHOD)), _text(_first(members, _TARGET))
    if isinstance(line, str) and not target:
        method, _, rest = line.partition(" ")
        target = rest.partition(" ")[0]
    if at is None or status is None or not target:
        return None
    query = _text(_first(members, _QUERY))
    if query and "?" not in target:
        target = f"{target}?{query}"
    agent = _first(members, _AGENT)
    return Hit(
        _without_port(_text(_first(members, _ADDRESS))),
        at,
        method or "",
        target,
        status,
        min(_whole(_first(members, _SENT)) or 0, _MOST_SENT),
        None if agent is None else _text(agent),
        _text(_first(members, _REFERER)),
        _text(_first(members, _HOST)),
    )


def _from_columns(line: bytes, names: tuple[str, ...]) -> Hit | None:
    values = line.decode("utf-8", "replace").rstrip("\r\n").split("\t")
    if len(values) < min(len(names), 12):
        return None
    members: dict[str, Any] = dict(zip(names, values, strict=False))
    members["time"] = f"{members.pop('date', '')}T{members.get('time', '')}"
    for name in ("cs(user-agent)", "cs(referer)"):
        text = unquote(members.get(name, "-"))
        # Older logs are encoded twice.
        members[name] = unquote(text) if "%20" in text else text
    # CloudFront's own name is not the site's.
    if members.get("x-host-header", "-") == "-":
        members["x-host-header"] = None
    return _from_members(members)


def _first(members: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        value = members.get(name)
        if value is not None:
            return value
    return None


def _text(value: Any) -> str:
    return "" if not isinstance(value, str) or value == "-" else value


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1 << 63:
        return int(value)
    return None


def _without_port(address: str) -> str:
    host, _, port = address.rpartition(":")
    return host.strip("[]") if host and port.isdigit() and ("." in host or host.endswith("]")) else address


def _moment(value: Any) -> int | None:
    """Seconds since the epoch of a number (seconds, or thousandths, millionths, billionths) or of a time in words."""
    number = _whole(value) if not isinstance(value, str) or _NUMBER.fullmatch(value) else None
    if number is not None:
        while number >= 100_000_000_000:
            number //= 1000
        return number
    if not isinstance(value, str):
        return None
    told = _CLF_TIME.search(value)
    if told is not None:
        return seconds(told[1], told[2])
    try:
        moment = datetime.fromisoformat(value)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
