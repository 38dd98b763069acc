"""Recorded fetches as OpenTelemetry spans and metrics, by OTLP over HTTP: the optional extra ``licet[otel]``.

Attributes are those of the stable semantic conventions for HTTP servers (1.23
and later; a record does not say the scheme), ours stand under ``licet.``. Spans are made from records, so people
have none. `traceparent` of a request passes to the creator's server untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway import __version__
from gateway.provenance.record import FetchDetail, FetchRecord

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
#: Seconds between two exports of metrics.
_EVERY: Final = 15.0
#: Seconds that one export may take, and so each half of closing.
_PATIENCE: Final = 3.0


class Traces:
    """Watches what is recorded (`front.watching`)."""

    def __init__(self, endpoint: str, *, every: float = _EVERY) -> None:
        """Send to *endpoint*, such as ``http://127.0.0.1:4318``; raises `ModuleNotFoundError` without the extra."""
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, Status, StatusCode

        base = endpoint.rstrip("/")
        resource = Resource.create({"service.name": "licet", "service.version": __version__})
        self._tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._tracers.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces", timeout=_PATIENCE))
        )
        reader = PeriodicExportingMetricReader(
            OTLPMetricExporter(f"{base}/v1/metrics", timeout=_PATIENCE), every * 1000
        )
        self._meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self._tracer = self._tracers.get_tracer("licet", __version__)
        self._seconds = self._meters.get_meter("licet", __version__).create_histogram(
            "http.server.request.duration", "s", "Duration of HTTP server requests."
        )
        self._kind, self._failed = SpanKind.SERVER, Status(StatusCode.ERROR)

    def __call__(self, record: FetchRecord, detail: FetchDetail) -> None:
        """Make the span of one fetch, and count its time."""
        method = record.method if record.method in _METHODS else "_OTHER"
        few: dict[str, Any] = {
            "http.request.method": method,
            "http.response.status_code": record.status,
        }
        if record.status >= 500:
            few["error.type"] = str(record.status)
        span = self._tracer.start_span(
            "HTTP" if method == "_OTHER" else method,
            kind=self._kind,
            start_time=record.time_us * 1000,
            attributes={
                **few,
                "server.address": record.host.partition(":")[0],
                "url.path": record.path,
                **({"url.query": detail.query} if detail.query else {}),
                "client.address": detail.address,
                "network.peer.address": detail.peer,
                "user_agent.original": detail.user_agent,
                "user_agent.synthetic.type": "bot",
                "http.response.body.size": record.bytes_sent,
                "licet.record": record.id,
                "licet.decision": record.outcome,
                "licet.crawler": record.crawler,
                "licet.identity": record.identity,
                "licet.charged_micros": record.charged_micros,
            },
        )
        if record.status >= 500:
            span.set_status(self._failed)
        span.end(end_time=(record.time_us + record.duration_us) * 1000)
        self._seconds.record(record.duration_us / 1e6, few)

    def close(self) -> None:
        """Send what has gathered, for some seconds at most."""
        closing: tuple[Callable[[], object], ...] = (self._tracers.shutdown, self._meters.shutdown)
        for close in closing:
            close()
