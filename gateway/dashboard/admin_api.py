"""The API of the pages as an OpenAPI 3.1 document, made from the addresses there are and the table of permissions."""

from __future__ import annotations

import re
from typing import Any, Final

from aiohttp import web

from gateway.dashboard.api_keys import NEVER
from gateway.dashboard.permissions import Permission, wanted

PREFIX: Final = "/api/v1"
_NAME: Final = re.compile(r"\{([a-z0-9_]+)\}")
_MEDIA: Final = {
    "csv": "text/csv", "json": "application/json", "jsonl": "application/x-ndjson", "pdf": "application/pdf",
    "html": "text/html", "txt": "text/plain", "parquet": "application/vnd.apache.parquet",
}  # fmt: skip
#: What an address answers that is one file of a kind told by its page.
_FILES: Final = frozenset({"/duties/{id}/evidence/{sha256}"})
_OBJECT: Final = {"application/json": {"schema": {"type": "object"}}}
_PROBLEM: Final = {
    "description": "Problem details (RFC 9457); `given` is what the page would have shown.",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "status", "title", "detail"],
                "properties": {
                    "type": {"type": "string"}, "status": {"type": "integer"}, "title": {"type": "string"},
                    "detail": {"type": "string"}, "given": {"type": "object"},
                },
            }
        },
        "text/plain": {"schema": {"type": "string"}},
    },
}  # fmt: skip


def described(router: web.UrlDispatcher) -> dict[str, Any]:
    """The document of every page that *router* has and that a key can be for."""
    paths: dict[str, Any] = {}
    for route in router.routes():
        resource = route.resource
        if resource is None or route.method not in {"GET", "POST"}:
            continue
        permission = wanted(route.method, resource.canonical)
        if permission is None or permission in NEVER or resource.canonical == "/live/events":
            continue
        if _is_page_of_a_table(resource.canonical):
            continue
        at = paths.setdefault(f"{PREFIX}{resource.canonical}", {})
        at[route.method.lower()] = _operation(route.method, resource.canonical, permission)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Licet: administration",
            "version": "1",
            "description": "What the dashboard's pages show and do. Each operation names the scope that a key needs.",
        },
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{"key": []}],
        "paths": dict(sorted(paths.items())),
    }


def _is_page_of_a_table(pattern: str) -> bool:
    """Whether a table is drawn there for people; a program takes it as JSON, beside that address."""
    table, ended, _ = pattern.rpartition(".html")
    return bool(ended) and wanted("GET", f"{table}.csv") is not None


def _operation(method: str, pattern: str, permission: Permission) -> dict[str, Any]:
    names = _NAME.findall(pattern)
    ending = pattern.rpartition(".")[2]
    content: dict[str, Any] = dict(_OBJECT)
    if pattern in _FILES or ending == "{ending}":
        content = {media: {} for media in ("*/*",)}
    elif ending in _MEDIA and method == "GET":
        content = {_MEDIA[ending]: {}}
    told: dict[str, Any] = {
        "operationId": f"{method.lower()}{re.sub(r'[^a-z0-9]+', '-', pattern).rstrip('-') or '-overview'}",
        "description": f"Scope: `{permission}`.",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in names
        ],
        "responses": {
            "200": {"description": "Done, or what was asked for.", "content": content},
            "default": _PROBLEM,
        },
    }
    if method == "POST":
        told["requestBody"] = {
            "description": "The fields of the page's form.",
            "content": {
                "application/json": {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
            },
        }
    else:
        told["parameters"].append(
            {
                "name": "last", "in": "query", "required": False,
                "description": "Where a page has a period: `1h`, `24h`, `7d`, `30d`, `all`. `compare` (`previous`, `year`, `FROM..TO`), `columns` and every other filter of the page count too.",
                "schema": {"enum": ["1h", "24h", "7d", "30d", "all"]},
            }
        )  # fmt: skip
    return told
