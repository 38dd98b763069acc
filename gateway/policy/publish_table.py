"""``[publish]`` of a policy file, as pydantic reads it, each value with the sentence that helps when it is wrong."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from gateway.policy import words
from gateway.policy.words import quoted, wrong
from gateway.terms.publishing import RobotsPreferences
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
_UriWord = Annotated[str, BeforeValidator(_uri), _TEXT]
_UrlWord = Annotated[str, BeforeValidator(_url), _TEXT]
_UrisWord = Annotated[
    tuple[str, ...],
    BeforeValidator(_uris),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
_DisclaimersWord = Annotated[
    tuple[str, ...],
    BeforeValidator(_disclaimers),
    WithJsonSchema({"type": "array", "items": {"type": "string", "enum": sorted(DISCLAIMERS)}}),
]
_AlternatesWord = Annotated[
    tuple[tuple[str, str], ...],
    BeforeValidator(_alternates),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
]
_LicenseDaysWord = Annotated[
    int, BeforeValidator(_days), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 365})
]


class PublishTable(BaseModel):
    """``[publish]``: in which channels the terms are told, besides robots.txt and license.xml."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)

    content_usage: words.Flag = Field(default=True, description="tell AIPREF preferences (Content-Usage)")
    content_signals: words.Flag = Field(default=True, description="tell Content Signals (Content-Signal)")
    tdmrep: words.Flag = Field(default=True, description="tell what is reserved by TDMRep (file and headers)")
    preferences: words.PreferencesWord = Field(
        default=RobotsPreferences.COMBINE,
        description="combine with what your own robots.txt says, the stricter wins; or policy alone",
    )
    html_link: words.Flag = Field(
        default=False, description="put a link to the license into pages for crawlers"
    )
    html_script: words.Flag = Field(
        default=False, description="put the license itself into pages for crawlers"
    )
    feeds: words.Flag = Field(
        default=False, description="put the license into RSS and Atom feeds for crawlers"
    )
    x_robots_tag: words.Flag = Field(
        default=False, description="say noai, noimageai where AI uses are reserved"
    )
    trust_txt: words.Flag = Field(default=False, description="say in trust.txt whether training is allowed")
    llms_txt: words.Flag = Field(default=False, description="add a section on licensing to llms.txt")
    license_days: _LicenseDaysWord = Field(
        default=7, description="days for which a reader of license.xml may go by it"
    )
    disclaimers: _DisclaimersWord = Field(
        default=(), description="what you do not vouch for, in the words of RSL"
    )
    attest: words.Flag = Field(default=False, description="state that you may grant what you offer")
    proofs: _UrisWord = Field(default=(), description="addresses where your rights can be looked up")
    reporting_profile: _UriWord = Field(
        default="", description="address of how licensees report; crawlers that do not know it stay away"
    )
    schema_url: _UrlWord = Field(default="", description="address of JSON-LD about the whole site")
    alternates: _AlternatesWord = Field(default=(), description="other forms of the whole site, by kind")
