from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.redis.address import RedisAt, read_address


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("redis://redis.example", RedisAt((("redis.example", 6379),))),
        ("redis://ada@redis.example:7000/3", RedisAt((("redis.example", 7000),), database=3, user="ada")),
        ("rediss://10.0.0.1:1/", RedisAt((("10.0.0.1", 1),), tls=True)),
        ("redis://[::1]:7000", RedisAt((("::1", 7000),))),
        ("redis://a:1,b:2,c", RedisAt((("a", 1), ("b", 2), ("c", 6379)))),
        ("unix:///run/redis.sock", RedisAt(path="/run/redis.sock")),
        ("unix:///run/a%20b.sock?db=2", RedisAt(path="/run/a b.sock", database=2)),
        ("unix://ada@/run/redis.sock", RedisAt(path="/run/redis.sock", user="ada")),
    ],
)
def test_an_address_is_read(text: str, at: RedisAt) -> None:
    assert read_address(text) == at


@pytest.mark.parametrize(
    "text",
    ["redis://", "redis://a:0", "redis://a:65536", "redis://a,,b", "redis://a b", "redis://a/x", "redis://a?x=1",
     "unix://run", "unix:///run?x=1", "redis:/a", "REDIS://a", "embedded", "", "redis://a/1/2", "redis://a:1:2"],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        read_address(text)


def test_a_password_has_no_place_in_it() -> None:
    for text in ("redis://:hunter2@a", "rediss://ada:hunter2@a:1/2", "unix://:hunter2@/run/redis.sock"):
        with pytest.raises(ValueError, match="redis_password_file") as caught:
            read_address(text)
        assert "hunter2" not in str(caught.value)


@given(st.text() | st.text().map("redis://{}".format) | st.text().map("unix://{}".format))
def test_no_text_raises_anything_else_or_is_quoted(text: str) -> None:
    try:
        read_address(text)
    except ValueError as error:
        # The sentence is one of ours.
        assert str(error).split()[0] in {"is", "holds", "names"}


def test_what_it_is_called_in_a_log() -> None:
    assert str(read_address("redis://ada@a:1,b:2/3")) == "a:1,b:2"
    assert str(read_address("unix:///run/redis.sock")) == "/run/redis.sock"
