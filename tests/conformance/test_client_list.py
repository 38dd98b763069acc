"""`ClientList`: a licensee's own clients."""

from __future__ import annotations

from dataclasses import replace


async def test_the_clients_of_one_licensee_the_oldest_first(ports, make):
    await ports.register.add_licensee(*make.enrolled(1))
    await ports.register.add_licensee(*make.enrolled(2))
    assert [each.id for each in await ports.register.clients_of("le_1")] == ["cl_1"]
    assert await ports.register.clients_of("le_9") == ()
    (client,) = await ports.register.clients_of("le_2")
    assert client == make.enrolled(2)[1]
    await ports.register.change_client(replace(client, name="another"))
    assert (await ports.register.clients_of("le_2"))[0].name == "another"
    await ports.register.remove_client("cl_2", make.NOW, make.NOW + 9)
    assert await ports.register.clients_of("le_2") == ()
