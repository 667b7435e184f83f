"""Traces to an OpenTelemetry collector, when one is named. Without it nothing of OpenTelemetry is even imported."""

from __future__ import annotations

import os

from agents import tracing

SERVICE_NAME = "smart-support"
# Of the end of a process, this much is waited for a collector that hangs.
EXPORT_SECONDS = 2


def start_tracing(endpoint: str | None) -> None:
    """Send spans to a collector by OTLP over HTTP, in the background.

    Args:
        endpoint: Its base URL. All else, such as OTEL_EXPORTER_OTLP_HEADERS or OTEL_TRACES_SAMPLER, OpenTelemetry
            reads from the environment by itself.
    """
    if endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    os.environ.setdefault("OTEL_SERVICE_NAME", SERVICE_NAME)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracing.switch_on(provider.get_tracer(SERVICE_NAME))
