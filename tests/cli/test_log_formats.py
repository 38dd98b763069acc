"""Other servers' lines: each format says the same request, and no line does harm."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.access_log import Hit
from gateway.cli.log_formats import LONGEST_LINE, LineReader, LogLines

AGENT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
AT = 1_795_693_200  # 2026-11-26T11:40:00Z
COMBINED = (
    f'journal.example 192.0.2.7 - - [26/Nov/2026:11:40:00 +0000] "GET /a?b=1 HTTP/1.1" 200 12 "-" "{AGENT}"'
)
CADDY = (
    '{"level":"info","ts":1795693200.25,"logger":"http.log.access","msg":"handled request","request":'
    '{"remote_ip":"198.51.100.1","remote_port":"41342","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET",'
    f'"host":"journal.example","uri":"/a?b=1","headers":{{"User-Agent":["{AGENT}"],"Accept":["*/*"]}}}},'
    '"bytes_read":0,"duration":0.0009,"size":12,"status":200,"resp_headers":{"Server":["Caddy"]}}'
)
NGINX = (
    '{"time_iso8601":"2026-11-26T12:40:00+01:00","remote_addr":"192.0.2.7","request":"GET /a?b=1 HTTP/1.1",'
    f'"status":"200","body_bytes_sent":"12","http_user_agent":"{AGENT}","http_referer":"-","host":"journal.example"}}'
)
NGINX_PARTS = (
    '{"msec":"1795693200.250","remote_addr":"192.0.2.7","request_method":"GET","uri":"/a","args":"b=1",'
    f'"status":200,"bytes_sent":12,"http_user_agent":"{AGENT}","http_host":"journal.example"}}'
)
LOGPUSH = (
    '{"ClientIP":"192.0.2.7","ClientRequestHost":"journal.example","ClientRequestMethod":"GET",'
    '"ClientRequestURI":"/a?b=1","EdgeEndTimestamp":"2026-11-26T11:40:01Z","EdgeResponseBytes":12,'
    f'"EdgeResponseStatus":200,"EdgeStartTimestamp":%s,"ClientRequestUserAgent":"{AGENT}","RayID":"41ddf1740f67442d"}}'
)
CLOUDFRONT = (
    "2026-11-26\t11:40:00\tFRA56-P1\t12\t192.0.2.7\tGET\td111111abcdef8.cloudfront.net\t/a\t200\t-\t"
    f"{AGENT.replace(' ', '%20')}\tb=1\t-\tMiss\tid==\tjournal.example\thttps\t23\t0.1"
)


@pytest.mark.parametrize(
    "line",
    [
        COMBINED,
        "\ufeff" + COMBINED,
        CADDY,
        NGINX,
        NGINX_PARTS,
        LOGPUSH % '"2026-11-26T11:40:00Z"',
        LOGPUSH % "1795693200",
        LOGPUSH % "1795693200000000000",
        CLOUDFRONT,
        CLOUDFRONT.replace("%20", "%2520"),
    ],
)
def test_every_format_tells_of_the_same_request(line: str) -> None:
    hit = LineReader()(line.encode() + b"\r\n")
    assert hit == Hit("192.0.2.7", AT, "GET", "/a?b=1", 200, 12, AGENT, "", "journal.example")


def test_the_columns_of_cloudfront_are_those_that_the_file_names() -> None:
    reader = LineReader()
    assert reader.is_note(b"#Version: 1.0\n")
    assert reader.is_note(b"#Fields: date time c-ip cs(User-Agent) cs-method cs-uri-stem sc-status\n")
    hit = reader(b"2026-11-26\t11:40:00\t192.0.2.7\tGPTBot/1.3\tGET\t/a\t404\n")
    assert hit == Hit("192.0.2.7", AT, "GET", "/a", 404, 0, "GPTBot/1.3")


def test_a_referring_page_is_told_and_a_missing_user_agent_is_not_an_empty_one() -> None:
    caddy = CADDY.replace('"Accept":["*/*"]', '"Referer":["https://chatgpt.com/c/1"]')
    assert LineReader()(caddy.encode()).referer == "https://chatgpt.com/c/1"
    assert (
        LineReader()(COMBINED.replace('"-"', '"https://claude.ai/"').encode()).referer == "https://claude.ai/"
    )
    assert LineReader()(NGINX.replace(AGENT, "-").encode()).user_agent == ""
    assert LineReader()(NGINX.replace("http_user_agent", "x").encode()).user_agent is None


def test_what_nginx_escapes_in_its_own_way_is_read() -> None:
    line = NGINX.replace("/a?b=1", r"/a\xC3\xA9").encode()
    assert LineReader()(line).target == "/a\u00c3\u00a9"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"{}",
        b"[]",
        b'{"request":{"headers":[]}}',
        b"[" * 5000,
        b'{"a":' * 5000,
        b"\xff\xfe\x00{\x00",
        b"\x00" * 100,
        NGINX.replace('"200"', '"twenty"').encode(),
        NGINX.replace('"200"', "-1").encode(),
        NGINX.replace('"200"', "1e309").encode(),
        NGINX.replace("2026-11-26T12", "9999-99-99T12").encode(),
        NGINX.replace("2026-11-26T12", "0001-01-01T00").encode(),
        (LOGPUSH % "99999999999").encode(),
        (LOGPUSH % "true").encode(),
        COMBINED.replace("2026", "0000").encode(),
        COMBINED.replace(" 12 ", f" {'9' * 5000} ").encode(),
        COMBINED.replace(" 12 ", f" {1 << 53} ").encode(),
        COMBINED.replace("2026", "9999").encode(),
        b"2026-11-26\t11:40:00\n",
        CLOUDFRONT.replace("11:40", "aa:bb").encode(),
    ],
)
def test_a_line_that_cannot_be_read_is_none(line: bytes) -> None:
    assert LineReader()(line) is None


@given(st.binary(max_size=300))
def test_nothing_raises(octets: bytes) -> None:
    for line in (octets, b"{" + octets, NGINX.encode()[:40] + octets, b"2026-11-26\t" + octets):
        reader = LineReader()
        assert isinstance(reader.is_note(line), bool)
        found = reader(line)
        assert found is None or (isinstance(found, Hit) and found.sent >= 0)


def _lines(octets: bytes) -> tuple[list[bytes | None], LogLines]:
    lines = LogLines(io.BufferedReader(io.BytesIO(octets)))
    return list(lines), lines


def test_a_line_of_a_megabyte_is_passed_over_and_the_next_is_read() -> None:
    found, lines = _lines(b"a\n" + b"x" * (1 << 20) + b"\nb\n" + b"y" * LONGEST_LINE)
    assert found == [b"a\n", None, b"b\n", None]
    assert lines.read == 2 + (1 << 20) + 3 + LONGEST_LINE


def test_gzip_is_known_by_its_octets_and_has_the_digest_of_its_text() -> None:
    plain, unpacked = _lines(b"a\nb\n"), _lines(gzip.compress(b"a\n") + gzip.compress(b"b\n"))
    assert plain[0] == unpacked[0] == [b"a\n", b"b\n"]
    assert plain[1].prefix == unpacked[1].prefix


@pytest.mark.parametrize("harm", ["cut", "flipped", "followed"])
def test_a_broken_gzip_is_read_as_far_as_it_goes(harm: str) -> None:
    text = b"".join(b"%d a line of a log\n" % number for number in range(20_000))
    packed = bytearray(gzip.compress(text))
    if harm == "cut":
        del packed[len(packed) // 2 :]
    elif harm == "flipped":
        packed[-6] ^= 0xFF
    else:
        packed += b"garbage"
    found, lines = _lines(bytes(packed))
    assert lines.broken
    assert b"".join(line or b"" for line in found) == text[: sum(len(line or b"") for line in found)]
    assert len(found) > 1000
