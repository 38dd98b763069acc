from __future__ import annotations

import hashlib
from base64 import b64encode

from gateway.paper import CONTENT_SECURITY, STYLE


def test_the_policy_allows_this_style_and_nothing_else() -> None:
    digest = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in CONTENT_SECURITY
    assert CONTENT_SECURITY.startswith("default-src 'none';")
    assert "unsafe" not in CONTENT_SECURITY


def test_the_style_cannot_leave_its_element_and_loads_nothing() -> None:
    assert "<" not in STYLE
    assert "url(" not in STYLE
    assert "@import" not in STYLE
