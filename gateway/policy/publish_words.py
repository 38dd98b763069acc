"""The values of ``[publish]`` that go into license.xml, each with the sentence that helps when it is wrong."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, WithJsonSchema

from gateway.policy.words import quoted, wrong
from gateway.terms.rsl_words import DISCLAIMERS

_LONGEST = 512
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,62}/[a-z0-9][a-z0-9.+-]{0,62}", re.ASCII)
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]+", re.ASCII)


def _uri(value: object) -> str:
    if value == "":
        return ""
    if not isinstance(value, str) or len(value) > _LONGEST or not _PLAIN.fullmatch(value):
        raise wrong('write one address in quotes, such as "https://journal.example/reports"')
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or not (parts.netloc or (parts.scheme not in {"http", "https"} and parts.path)):
        raise wrong('write an absolute address, such as "https://journal.example/reports"')
    return value


def _url(value: object) -> str:
    found = _uri(value)
    if found and not found.startswith(("https://", "http://")):
        raise wrong('write a web address, such as "https://journal.example/site.json"')
    return found


def _uris(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(uri for each in listed if (uri := _uri(each))))


def _disclaimers(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) and each in DISCLAIMERS for each in listed):
        raise wrong(f"write {quoted(sorted(DISCLAIMERS))}, or a list of them")
    return tuple(dict.fromkeys(listed))


def _alternates(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not all(_MEDIA_TYPE.fullmatch(str(key)) for key in value):
        raise wrong(
            'write kinds and addresses, such as { "text/markdown" = "https://journal.example/all.md" }'
        )
    return tuple(sorted((kind, _url(address)) for kind, address in value.items()))


def _days(value: object) -> int:
    if type(value) is not int or not 1 <= value <= 365:
        raise wrong("write a whole number of days without quotes, from 1 to 365")
    return value


_TEXT = WithJsonSchema({"type": "string"})
Uri = Annotated[str, BeforeValidator(_uri), _TEXT]
Url = Annotated[str, BeforeValidator(_url), _TEXT]
Uris = Annotated[
    tuple[str, ...],
    BeforeValidator(_uris),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Disclaimers = Annotated[
    tuple[str, ...],
    BeforeValidator(_disclaimers),
    WithJsonSchema({"type": "array", "items": {"type": "string", "enum": sorted(DISCLAIMERS)}}),
]
Alternates = Annotated[
    tuple[tuple[str, str], ...],
    BeforeValidator(_alternates),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
]
LicenseDays = Annotated[
    int, BeforeValidator(_days), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 365})
]
