"""A language model behind an OpenAI-compatible API that says the next piece when a test lets it.

with GatedModel() as model:
    site = make_site(OPENAI_BASE_URL=model.url)
    model.answers("orders", "First piece. ", "Second piece.")
    ...
    model.let("First piece. ")   # from here on the page shows it
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE_SECONDS = 60


class GatedModel:
    def __init__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self.agent = ""
        self.pieces = []
        self._gates = threading.Semaphore(0)

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.let_all()
        self._server.shutdown()
        self._server.server_close()

    def answers(self, agent, *pieces):
        """Have the next message routed to `agent`, who says these pieces, each when it may."""
        self.agent, self.pieces = agent, pieces
        self._gates = threading.Semaphore(0)

    def let(self, count=1):
        """Let the model say the next pieces."""
        self._gates.release(count)

    def let_all(self):
        self._gates.release(len(self.pieces) + 1)

    def chunks(self, request):
        if request.get("response_format") or request.get("tool_choice"):
            decision = {"intents": [{"agent": self.agent, "request": "as asked"}]}
            yield json.dumps({"is_ambiguous": False, **decision})
            return
        gates = self._gates
        for piece in self.pieces:
            gates.acquire(timeout=PATIENCE_SECONDS)
            yield piece


def _make_handler(model):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if request.get("stream"):
                self._stream(request)
            else:
                self._answer(request)

        def _answer(self, request):
            text = "".join(model.chunks(request))
            choice = {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
            body = json.dumps(_completion("chat.completion", [choice], usage=USAGE)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _stream(self, request):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()  # HTTP/1.0: the end of the connection ends the body
            for text in model.chunks(request):
                self._send_chunk([_delta({"role": "assistant", "content": text})])
            self._send_chunk([_delta({}, "stop")])
            self._send_chunk([], usage=USAGE)
            self.wfile.write(b"data: [DONE]\n\n")

        def _send_chunk(self, choices, **more):
            chunk = _completion("chat.completion.chunk", choices, **more)
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()

        def log_message(self, *_):
            pass

    return Handler


USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def _completion(kind, choices, **more):
    return {
        "id": "gated-1",
        "object": kind,
        "created": 0,
        "model": "gated",
        "choices": choices,
        **more,
    }


def _delta(delta, reason=None):
    return {"index": 0, "delta": delta, "finish_reason": reason}
