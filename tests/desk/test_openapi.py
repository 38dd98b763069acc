"""The OpenAPI document: every address is in it, and it is one that others can read."""

from __future__ import annotations

import re

from gateway.desk.call import About, Route, protocol_at, read_at
from gateway.desk.openapi import OpenApi, openapi_paths, undescribed


async def act(call):
    raise AssertionError("nobody calls it here")


def test_every_address_of_the_desk_is_described(world):
    assert undescribed(world.desk.table) == []


def test_what_nobody_described_is_named():
    table = {"/.licet/new": protocol_at(act), "/.licet/told": read_at(act, About("Tells."))}
    assert undescribed(table) == ["POST /.licet/new"]
    assert list(openapi_paths(table)) == ["/.licet/told"]
    both = Route(("GET", "PUT", "DELETE"), act, about={"GET": About("Reads."), "PUT": About("Writes.")})
    assert undescribed({"/.licet/both": both}) == ["DELETE /.licet/both"]


def test_a_star_becomes_a_parameter():
    about = About(
        "One of them.", rest=("id", {"type": "string"}), asks={"at!": {"type": "integer"}, "in": {}}
    )
    ((path, item),) = openapi_paths({"/.licet/clients/*": read_at(act, about)}).items()
    assert path == "/.licet/clients/{id}"
    assert [(each["name"], each["in"], each["required"]) for each in item["get"]["parameters"]] == [
        ("at", "query", True),
        ("in", "query", False),
        ("id", "path", True),
    ]


async def test_the_document_lists_every_address_and_others_can_read_it(world):
    import schemathesis

    answer = await world.get("/.licet/openapi.json")
    assert answer.status == 200
    document = await answer.json()
    assert document["openapi"] == "3.1.1"
    assert document["servers"] == [{"url": world.origin}]
    described = {re.sub(r"\{[^}]*\}", "*", path) for path in document["paths"]}
    assert described - {"/.licet/problems/*"} == {
        path for path in world.desk.table if "/problems/" not in path
    }
    assert "/.licet/problems/{code}" in document["paths"]
    assert document["paths"]["/.licet/token"]["post"]["security"] == [{"client": []}]
    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    assert sum(1 for found in schema.get_all_operations() if found.ok()) >= len(described)


def test_the_document_names_itself():
    assert list(OpenApi({}).group()) == ["/.licet/openapi.json"]
