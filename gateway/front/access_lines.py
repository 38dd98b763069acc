"""A recorded fetch as one line of an access log, in the format that a reader of logs expects. Pure.

========= ====================================================================
combined  Apache HTTP Server 2.4 and nginx, with the record's id behind it
json      the record's members that a log wants, under our own names
ecs       Elastic Common Schema 8.11; ours under ``labels.licet_…``
ocsf      Open Cybersecurity Schema Framework 1.3, HTTP Activity (4002); ours
          under ``unmapped``
========= ====================================================================

People are not recorded, so no line is about one. No credential stands in a
record, so none stands in a line. Every line is one line, whatever was sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson

from gateway import __version__
from gateway.provenance.record import FetchDetail, FetchRecord

Written = Callable[[FetchRecord, FetchDetail], bytes]

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OCSF_ACTIVITIES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "CONNECT": 1,
        "DELETE": 2,
        "GET": 3,
        "HEAD": 4,
        "OPTIONS": 5,
        "POST": 6,
        "PUT": 7,
        "TRACE": 8,
        "PATCH": 9,
    }
)
_OCSF_CLASS: Final = 4002


def combined(record: FetchRecord, detail: FetchDetail) -> bytes:
    """One line of the combined format; what could end a field is spelled out as Apache does."""
    at = time.gmtime(record.time_us // 1_000_000)
    clock = (
        f"{at.tm_mday:02}/{_MONTHS[at.tm_mon - 1]}/{at.tm_year}:{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}"
    )
    line = (
        f"{_plain(detail.address) or '-'} - - [{clock} +0000] "
        f'"{_plain(record.method)} {_plain(_target(record, detail))} HTTP/1.1" {record.status} {record.bytes_sent} '
        f'"{_plain(detail.referer) or "-"}" "{_plain(detail.user_agent) or "-"}" "{record.id}"\n'
    )
    return line.encode("ascii")


def json_line(record: FetchRecord, detail: FetchDetail) -> bytes:
    """One JSON object with our own names; amounts are micro-units, durations microseconds."""
    return _dumped(
        {
            "time": _moment(record.time_us),
            "record": record.id,
            "site": record.site,
            "host": record.host,
            "method": record.method,
            "path": record.path,
            "query": detail.query,
            "status": record.status,
            "bytes": record.bytes_sent,
            "duration_us": record.duration_us,
            "address": detail.address,
            "peer": detail.peer,
            "user_agent": detail.user_agent,
            "referer": detail.referer,
            **_ours(record),
        }
    )


def ecs(record: FetchRecord, detail: FetchDetail) -> bytes:
    """One event of ECS: category web, type access; durations are nanoseconds there."""
    return _dumped(
        {
            "@timestamp": _moment(record.time_us),
            "ecs": {"version": "8.11.0"},
            "event": {
                "kind": "event",
                "category": ["web"],
                "type": ["access", "denied" if record.outcome == "refused" else "allowed"],
                "dataset": "licet.access",
                "id": record.id,
                "duration": record.duration_us * 1000,
                "outcome": "success" if record.status < 400 else "failure",
            },
            "http": {
                "request": {"method": record.method, "referrer": detail.referer},
                "response": {"status_code": record.status, "body": {"bytes": record.bytes_sent}},
            },
            "url": {
                "domain": record.host.rpartition("@")[2].partition(":")[0],
                "path": record.path,
                "query": detail.query,
            },
            "source": {"ip": detail.address},
            "user_agent": {"original": detail.user_agent},
            "service": {"name": "licet", "version": __version__},
            "labels": {f"licet_{name}": str(value) for name, value in _ours(record).items() if value != ""},
        }
    )


def ocsf(record: FetchRecord, detail: FetchDetail) -> bytes:
    """One HTTP Activity event of OCSF: times and durations are milliseconds there."""
    activity = _OCSF_ACTIVITIES.get(record.method, 99)
    return _dumped(
        {
            "category_uid": 4,
            "class_uid": _OCSF_CLASS,
            "activity_id": activity,
            "activity_name": record.method,
            "type_uid": _OCSF_CLASS * 100 + activity,
            "severity_id": 1,
            "status_id": 1 if record.status < 400 else 2,
            "action_id": 2 if record.outcome == "refused" else 1,
            "time": record.time_us // 1000,
            "duration": record.duration_us // 1000,
            "metadata": {
                "version": "1.3.0",
                "uid": record.id,
                "product": {"name": "Licet", "vendor_name": "Licet", "version": __version__},
            },
            "http_request": {
                "http_method": record.method,
                "user_agent": detail.user_agent,
                "referrer": detail.referer,
                "url": {"hostname": record.host, "path": record.path, "query_string": detail.query},
            },
            "http_response": {
                "code": record.status,
                "length": record.bytes_sent,
                "content_type": record.content_type,
            },
            "src_endpoint": {"ip": detail.address},
            "dst_endpoint": {"hostname": record.host},
            "unmapped": _ours(record),
        }
    )


FORMATS: Final[Mapping[str, Written]] = MappingProxyType(
    {"combined": combined, "json": json_line, "ecs": ecs, "ocsf": ocsf}
)


def _ours(record: FetchRecord) -> dict[str, Any]:
    """What only this gateway knows."""
    return {
        "decision": record.outcome,
        "crawler": record.crawler,
        "class": record.visitor_class,
        "identity": record.identity,
        "rule": record.rule,
        "problem": record.problem,
        "licensee": record.licensee,
        "license": record.license,
        "charged_micros": record.charged_micros,
        "currency": record.currency,
        "policy": record.policy,
    }


def _target(record: FetchRecord, detail: FetchDetail) -> str:
    return f"{record.path}?{detail.query}" if detail.query else record.path


def _moment(us: int) -> str:
    at = time.gmtime(us // 1_000_000)
    return f"{at.tm_year:04}-{at.tm_mon:02}-{at.tm_mday:02}T{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}.{us % 1_000_000:06}Z"


def _plain(text: str) -> str:
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    octets = text.encode("utf-8", "surrogateescape")
    return "".join(chr(one) if 32 <= one < 127 and one not in b'"\\' else f"\\x{one:02x}" for one in octets)


def _dumped(members: dict[str, Any]) -> bytes:
    return orjson.dumps(members) + b"\n"
