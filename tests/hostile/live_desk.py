"""A desk on a socket, in a thread of its own, with a client that may ask as often as it likes.

It is the desk of `tests/desk`: real keys, a real journal, the books in memory.
What it raised stands in `LiveDesk.faults`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
import threading
from base64 import b64encode
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import RawTestServer

from gateway.admission.pace import Pace
from gateway.desk.pacing import DeskPace
from gateway.keys.ems import ContentKey

_DESK = Path(__file__).resolve().parent.parent / "desk" / "conftest.py"
#: The path of a file whose key the desk has.
ENCRYPTED = "/essays/archive.enc"
_LINE = 1024 * 1024


def _world_of_the_desk():
    name = "licet_tests_desk_world"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _DESK)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].World


class LiveDesk:
    """Open from `open` to `close`; *login* is the client's Basic, *token* one that it holds, *spare* another.

    *managed* is what another client was told when it registered, *terms* the name of the version in force.
    """

    def __init__(self, folder):
        self.faults = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._wait(self._open(folder))

    def close(self):
        self._wait(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, act):
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(30)

    async def _open(self, folder):
        self.world = _world_of_the_desk()(folder)
        unhurried = Pace(1e6, 1_000_000)
        self.world.pace = DeskPace(register=unhurried, failures=unhurried, client=unhurried)
        await self.world.open()
        self._server = RawTestServer(self._answer)
        # The front refuses what is too long, in front of any desk; here all of it reaches the desk.
        await self._server.start_server(max_line_size=_LINE, max_field_size=_LINE)
        self.host, self.port = self._server.host, self._server.port
        self.origin = self.world.origin = f"http://{self.host}:{self.port}"
        told = await self.world.post("/.licet/register", None, json={"client_name": "Managed"})
        self.managed = json.loads(await told.text())
        self.terms = (await self.world.terms.of(self.world.policy))[0].name
        self.world.content_keys.keep("journal", ENCRYPTED, ContentKey.new())
        made = await self.world.licensee("1000000")
        self.credentials = (made.client.id, made.secret)
        self.secret = made.secret.encode()
        self.login = "Basic " + b64encode(":".join(self.credentials).encode()).decode()
        status, body = await self.world.token(made, {"offer": "training"})
        assert status == 200, json.dumps(body)
        self.token, self.license = body["access_token"], body["authorization_details"][0]["license"]
        self.spare = (await self.world.token(made, {"offer": "training"}))[1]["access_token"]

    async def _shut(self):
        await self._server.close()
        await self.world.close()

    async def _answer(self, request):
        if not self.world.desk.owns(request.rel_url.raw_path):
            return web.Response(status=404)
        try:
            return await self.world.desk(request, self.world.policy, self.origin, "203.0.113.7")
        except Exception as error:
            self.faults.append((request.method, request.path_qs, repr(error)))
            raise
