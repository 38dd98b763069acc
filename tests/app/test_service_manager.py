"""A service manager hears that the gateway is ready, and nobody else is bothered."""

from __future__ import annotations

import socket

import pytest

from gateway.app.service_manager import told


@pytest.mark.parametrize("name", ["file", "abstract"])
def test_who_listens_hears_it(tmp_path, name):
    place = str(tmp_path / "notify") if name == "file" else f"@licet-test-{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + place[1:] if name == "abstract" else place)
        assert told("READY=1", {"NOTIFY_SOCKET": place})
        assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    "environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}, {"NOTIFY_SOCKET": "/nowhere/x"}]
)
def test_nobody_who_listens_is_no_fault(environ):
    assert not told("READY=1", environ)
