"""A real OTLP/HTTP receiver on loopback, which also takes what else is posted to it: webhooks, and LangSmith's runs."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECONDS = 30


class Collector:
    """A running server; `requests` are (path, body) as they came."""

    def __init__(self):
        self.requests = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def _handler(self):
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                collector.requests.append((self.path, body))
                self._answer()

            def do_GET(self):
                collector.requests.append((self.path, b""))
                self._answer()

            def _answer(self):
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def bodies(self, path):
        return [body for at, body in list(self.requests) if at == path]

    @property
    def spans(self):
        """All spans that came, in the order of their ends."""
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

        return [
            Span(span, resource.resource)
            for body in self.bodies("/v1/traces")
            for resource in trace_service_pb2.ExportTraceServiceRequest.FromString(
                body
            ).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def wait_for_span(self, name, **attributes):
        """Return the first span with this name, and these attributes (`.` is written `__`)."""
        wanted = {key.replace("__", "."): value for key, value in attributes.items()}
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for span in self.spans:
                if span.name == name and wanted.items() <= span.attributes.items():
                    return span
            time.sleep(0.05)
        raise AssertionError(f"no span {name} {wanted}: {[span.name for span in self.spans]}")


class Span:
    def __init__(self, span, resource):
        self.name = span.name
        self.id, self.parent_id, self.trace_id = span.span_id, span.parent_span_id, span.trace_id
        self.is_failed = span.status.code == span.status.STATUS_CODE_ERROR
        self.attributes = _read(span.attributes)
        self.resource = _read(resource.attributes)


def _read(attributes):
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value"))
        for pair in attributes
        if pair.value.WhichOneof("value")
    }
