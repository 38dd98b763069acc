"""How a work's pages are dated, as pydantic reads it; what it means is `policy.dating`'s."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema

from gateway.policy.dating import trouble_of
from gateway.policy.words import wrong

_FIELD: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_MOST: Final = 16


def _patterns(value: object) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= _MOST:
        raise wrong('write how the path of a page begins, such as "/news/%Y/%m/%d/", or several in brackets')
    for text in listed:
        trouble = trouble_of(text) if isinstance(text, str) else "write it in quotes"
        if trouble:
            raise wrong(f'write how the path of a page begins, such as "/news/%Y/%m/%d/": {trouble}')
    return tuple(dict.fromkeys(listed))


def _field(value: object) -> str:
    if value != "" and (not isinstance(value, str) or not _FIELD.fullmatch(value)):
        raise wrong('write the name of a header, such as "last-modified"')
    return str(value).lower()


_TEXT = {"type": "string"}
Patterns = Annotated[
    tuple[str, ...],
    BeforeValidator(_patterns),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": _MOST}]}),
]
FieldName = Annotated[str, BeforeValidator(_field), WithJsonSchema(_TEXT)]
