"""Spans and metrics as a collector receives them: OTLP over HTTP, in this process."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.provenance.record import FetchDetail, FetchRecord

pytest.importorskip("opentelemetry.sdk", reason="pip install 'licet[otel]'")

RECORD = FetchRecord(
    "018f5d1c-7b1e-7000-8000-0123456789ab", 1_431_849_903_250_000, 3_500, "journal", "journal.example", "GET", "/a",
    "ai", "verified", "network", "license", "rules[0]", "f" * 64, "enforce", "licensed", 200, 1234, "complete", "d",
    crawler="GPTBot", licensee="le_1", license="lic_1", currency="USD", charged_micros=5_000,
)  # fmt: skip


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.got.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        server.got = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def plain(value):
    return getattr(value, value.WhichOneof("value"))


def test_a_fetch_is_one_server_span_and_one_duration(collector):
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from gateway.app.traces import Traces

    traces = Traces(f"http://127.0.0.1:{collector.server_port}/", every=3600)
    traces(RECORD, FetchDetail("192.0.2.7", "127.0.0.1", "GPTBot/1.2", "", "q=1"))
    traces.close()
    got = dict(collector.got)
    assert set(got) == {"/v1/traces", "/v1/metrics"}
    request = ExportTraceServiceRequest.FromString(got["/v1/traces"])
    [span] = request.resource_spans[0].scope_spans[0].spans
    assert (span.name, span.kind) == ("GET", 2)
    assert span.start_time_unix_nano == RECORD.time_us * 1000
    assert span.end_time_unix_nano - span.start_time_unix_nano == RECORD.duration_us * 1000
    told = {each.key: plain(each.value) for each in span.attributes}
    assert (
        told.items()
        >= {
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "url.path": "/a",
            "url.query": "q=1",
            "client.address": "192.0.2.7",
            "user_agent.original": "GPTBot/1.2",
            "licet.decision": "licensed",
        }.items()
    )
    resource = {each.key: plain(each.value) for each in request.resource_spans[0].resource.attributes}
    assert resource["service.name"] == "licet"
    [metric] = (
        ExportMetricsServiceRequest.FromString(got["/v1/metrics"])
        .resource_metrics[0]
        .scope_metrics[0]
        .metrics
    )
    assert (metric.name, metric.unit) == ("http.server.request.duration", "s")
    [point] = metric.histogram.data_points
    assert (point.count, point.sum) == (1, 0.0035)
    # Few labels: nothing of what a stranger can choose.
    assert {each.key for each in point.attributes} == {"http.request.method", "http.response.status_code"}
