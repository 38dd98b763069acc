"""How an address reads in a URL, and what is said of one that cannot be had."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from gateway.app.addresses import bound, shown, unbound
from gateway.problems import ConfigurationError


def test_six_stands_in_brackets():
    assert (shown("127.0.0.1"), shown("::1")) == ("127.0.0.1", "[::1]")


async def test_a_taken_port_names_the_setting_and_why():
    async def start(host, port):
        server = await asyncio.start_server(lambda *_: None, host, port)
        at = server.sockets[0].getsockname()
        server.close()
        return at[0], at[1]

    host, port = await bound(start, "127.0.0.1", 0, "listen.port")
    assert host == "127.0.0.1"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        wanted = f"127.0.0.1:{port}: listen.port: cannot be listened on: Address already in use"
        with pytest.raises(ConfigurationError, match=wanted):
            await bound(start, "127.0.0.1", port, "listen.port")


def test_a_name_that_is_none_is_told_in_the_words_of_whoever_looked_it_up():
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    told = str(unbound(error, "nowhere.test", 80, "listen.port"))
    assert told == "nowhere.test:80: listen.port: cannot be listened on: Name or service not known"
    assert "Permission denied" in str(unbound(OSError(errno.EACCES, "x"), "::", 80, "listen.port"))
