from __future__ import annotations

from gateway.ask import Ask


def test_headers_keep_order_and_multiplicity() -> None:
    ask = Ask(
        id="x", asked_at_us=1_999_999, site="s", origin="https://a.example", method="GET", target="/", path="/",
        headers=(("accept", "a"), ("user-agent", "U"), ("accept", "b")),
    )  # fmt: skip
    assert ask.header("accept") == "a"
    assert ask.all("accept") == ("a", "b")
    assert ask.header("missing") == ""
    assert ask.user_agent == "U"
    assert ask.asked_at == 1
