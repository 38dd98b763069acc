"""The OpenAPI document of a gateway as it is served, with every room's addresses."""

from __future__ import annotations

from gateway.desk.openapi import undescribed


async def test_every_address_of_a_running_gateway_is_described(world) -> None:
    one = await world()
    assert undescribed(one.licet.desk.table) == []
    async with one.http.get(f"{one.front}/.licet/openapi.json") as answer:
        assert answer.status == 200
        document = await answer.json()
    assert document["servers"] == [{"url": one.front}]
    assert {"/.licet/token", "/.licet/key", "/.licet/openapi.json"} <= set(document["paths"])
