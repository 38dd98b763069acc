"""The OpenAPI 3.1.1 (October 2024) document of the desk, made of the table that answers.

An address that `routes.Desk` has is in the document, one that it lacks is not. What
each is for stands in `call.About`. Refusals have two shapes, RFC 9457's and
OAuth's, and any address may give either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from aiohttp import web

from gateway import __version__
from gateway.desk.call import About, Call, Group, Route, read_at
from gateway.desk.described import DESCRIBED
from gateway.desk.metadata import PREFIX
from gateway.desk.replies import json_reply
from gateway.desk.webhook_schemas import webhooks_object
from gateway.problems import PROBLEMS, Refusal

OPENAPI: Final = f"{PREFIX}/openapi.json"
_TOLD: Final = About(
    "This document: every address of the desk (OpenAPI 3.1).", gives={"application/json": {"type": "object"}}
)
_TEXT: Final = {"type": "string"}
_SCHEMAS: Final[Mapping[str, object]] = {
    "Problem": {
        "description": "A refusal (RFC 9457).",
        "type": "object",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "code": {"enum": sorted(PROBLEMS)},
            "detail": _TEXT,
            "next_step": _TEXT,
        },
    },
    "OAuthError": {
        "description": "A refusal of OAuth 2.0 or RSL's OLP (RFC 6749, section 5.2).",
        "type": "object",
        "required": ["error"],
        "properties": {"error": _TEXT, "error_description": _TEXT, "error_uri": _TEXT},
    },
}


class OpenApi:
    """Answers the document of one table of addresses."""

    def __init__(self, table: Mapping[str, Route]) -> None:
        """Describe *table*, and this address beside it."""
        self._paths = openapi_paths({**table, **self.group()})
        told = f"{PREFIX}/webhooks" in table
        self._webhooks: Mapping[str, object] = {"webhooks": webhooks_object()} if told else {}

    def group(self) -> Group:
        """Its address."""
        return {OPENAPI: read_at(self._document, _TOLD)}

    async def _document(self, call: Call) -> web.Response | Refusal:
        return json_reply(
            {
                "openapi": "3.1.1",
                "info": {"title": "Licet license desk", "version": __version__},
                "servers": [{"url": call.origin}],
                "paths": self._paths,
                **self._webhooks,
                "components": {
                    "schemas": _SCHEMAS,
                    "securitySchemes": {"client": {"type": "http", "scheme": "basic"}},
                },
            },
            max_age=300,
        )


def openapi_paths(table: Mapping[str, Route]) -> dict[str, dict[str, object]]:
    """The Paths Object of *table*; what nobody described is left out."""
    paths: dict[str, dict[str, object]] = {}
    for path, method, about in _operations(table):
        if about is not None:
            named = path.replace("/*", f"/{{{about.rest[0]}}}")
            paths.setdefault(named, {})[method.lower()] = _operation(about, starred="/*" in path)
    return paths


def undescribed(table: Mapping[str, Route]) -> list[str]:
    """Every method of an address that has no description, as ``POST /.licet/token``."""
    return [f"{method} {path}" for path, method, about in _operations(table) if about is None]


def _operations(table: Mapping[str, Route]) -> Iterator[tuple[str, str, About | None]]:
    for path, route in table.items():
        above = f"{path.rpartition('/')[0]}/*"
        shown = path if path in DESCRIBED or route.about or above not in DESCRIBED else above
        described = {**DESCRIBED.get(shown, {}), **route.about}
        for method in route.methods:
            if method not in {"HEAD", "OPTIONS"}:
                yield shown, method, described.get(method)


def _operation(about: About, *, starred: bool) -> dict[str, object]:
    needed = {name.removesuffix("!"): name.endswith("!") for name in about.asks}
    parameters: list[dict[str, object]] = [
        {
            "name": name.removesuffix("!"),
            "in": "query",
            "required": needed[name.removesuffix("!")],
            "schema": schema,
        }
        for name, schema in about.asks.items()
    ]
    if starred:
        parameters.append({"name": about.rest[0], "in": "path", "required": True, "schema": about.rest[1]})
    operation: dict[str, object] = {
        "summary": about.summary,
        "responses": {
            str(about.status): {
                "description": "Done.",
                **({"content": _media(about.gives)} if about.gives else {}),
            },
            "default": {
                "description": "A refusal.",
                "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
                    "application/json": {"schema": {"$ref": "#/components/schemas/OAuthError"}},
                },
            },
        },
    }
    if parameters:
        operation["parameters"] = parameters
    if about.takes:
        operation["requestBody"] = {"required": True, "content": _media(about.takes)}
    if about.login:
        operation["security"] = [{"client": []}]
    return operation


def _media(schemas: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    return {media: {"schema": schema} for media, schema in schemas.items()}
