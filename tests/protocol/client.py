"""A second client of the chat's protocol, written from its page alone; it shares no code with the product.

async with Client(site.ws_url) as chat:
    await chat.say("t1", "Where is my order 1042?")
    await chat.wait("message_complete")
    assert chat.threads["t1"].transcript[-1] == ("agent", "…")

Every frame that comes is held to the page's rules; the first that breaks one fails the test.
"""

import asyncio
import json

import websockets

SECONDS = 45  # the first answer of a cold site on a busy machine

# The page's table of errors, word for word.
ERRORS = {
    "message_too_large": "Message too large",
    "invalid_json": "Invalid JSON",
    "missing_thread_id": "Missing thread_id",
    "invalid_thread_id": "Invalid thread_id format",
    "missing_content": "Missing message content",
    "invalid_content": "Invalid message content",
    "content_too_long": "Message content too long",
    "unknown_type": "Unknown message type",
    "session_expired": "Session expired. Please start a new conversation.",
    "no_pending_interrupt": "Nothing is waiting for approval",
    "not_allowed": "You cannot approve this action",
    "forbidden": "Conversation not available",
    "invalid_token": "Invalid token",
    "rate_limited": "Too many messages. Please wait.",
    "budget_exhausted": "This conversation has reached its limit.",
    "busy": "Please wait for the current answer.",
    "internal_error": "An error occurred processing your message.",
}
# Stored events and the fields that each must have.
STORED = {
    "message_accepted": {"message_id", "content", "created_at"},
    "routing": {"agents"},
    "tool_call": {"agent", "tool", "args", "tool_call_id"},
    "tool_result": {"tool", "tool_call_id", "status"},
    "interrupt": {"interrupt_id", "action", "params", "message", "approver", "expires_at"},
    "interrupt_resolved": {"interrupt_id", "outcome", "by"},
    "interrupt_expired": {"interrupt_id", "action", "params", "message"},
    "clarification": {"message", "message_id"},
    "message": {"message_id", "role", "content", "html"},
    "message_complete": {"run_id", "status"},
    "handoff": {"status", "created_at"},
    "feedback": {"rating"},
    "status": {"status"},
}
PASSING = {"token": {"agent", "content", "message_id"}, "typing": {"author"}}
VALUES = {
    ("tool_result", "status"): {"ok", "error", "rejected", "expired", "superseded", "unknown"},
    ("interrupt", "approver"): {"customer", "staff"},
    ("interrupt_resolved", "outcome"): {"approved", "rejected", "expired", "superseded"},
    ("interrupt_resolved", "by"): {"customer", "staff", "system"},
    ("message", "role"): {"agent", "staff", "system"},
    ("message_complete", "status"): {
        "completed",
        "interrupted",
        "stopped",
        "failed",
        "handed_off",
    },
    ("handoff", "status"): {"requested", "assigned", "released"},
    ("status", "status"): {"open", "waiting", "handed_off", "closed", "expired"},
}


class Thread:
    """What a client knows of one conversation, and the rules that its events follow."""

    def __init__(self, after_seq=0, *, came_later=False):
        self.seq = after_seq
        self.is_whole = after_seq == 0
        self.came_later = came_later
        self.events = []
        self.transcript = []
        self.pieces = {}
        self.contents = {}
        self.calls = {}
        self.interrupts = {}
        self.accepted = 0
        self.ended = 0

    @property
    def is_waiting(self):
        return "pending" in self.interrupts.values()

    def take(self, frame):
        kind = frame["type"]
        if kind in PASSING:
            assert PASSING[kind] <= frame.keys(), frame
            assert "seq" not in frame, "what is passing is not numbered"
        else:
            assert STORED[kind] <= frame.keys(), frame
            assert frame["seq"] == self.seq + 1, f"{frame} after {self.seq}"
            self.seq = frame["seq"]
            self.events.append(frame)
        for (of, field), values in VALUES.items():
            assert of != kind or frame[field] in values, frame
        getattr(self, f"_{kind}", lambda frame: None)(frame)

    def _message_accepted(self, frame):
        self.accepted += 1
        self.transcript.append(("customer", frame["content"]))

    def _clarification(self, frame):
        self._nothing_waits(frame)
        self.transcript.append(("agent", frame["message"]))

    def _token(self, frame):
        self._nothing_waits(frame)
        assert frame["message_id"] not in self.contents, "a piece of a message that is whole"
        self.pieces.setdefault(frame["message_id"], []).append(frame["content"])

    def _message(self, frame):
        if frame["role"] == "agent":
            self._nothing_waits(frame)
            assert frame["agent"], "an agent's message names the agent"
        assert frame["message_id"] not in self.contents, "a message comes once"
        self.contents[frame["message_id"]] = frame["content"]
        pieces = "".join(self.pieces.get(frame["message_id"], [frame["content"]]))
        if self.came_later:  # pieces are passing: it may have missed the first ones
            assert frame["content"].endswith(pieces)
        else:
            assert pieces == frame["content"], "the pieces of a message, joined, are its content"
        self.transcript.append((frame["role"], frame["content"]))

    def _routing(self, frame):
        self._nothing_waits(frame)
        assert frame["agents"]
        assert frame.keys() == {"type", "thread_id", "seq", "agents"}, "no reasoning, no scores"

    def _tool_call(self, frame):
        assert frame["tool_call_id"] not in self.calls, "a call is announced once"
        self.calls[frame["tool_call_id"]] = None

    def _tool_result(self, frame):
        if self.is_whole:
            assert frame["tool_call_id"] in self.calls, "a result without a call"
        assert self.calls.get(frame["tool_call_id"]) is None, "a second result of one call"
        self.calls[frame["tool_call_id"]] = frame["status"]

    def _interrupt(self, frame):
        assert frame["interrupt_id"] not in self.interrupts
        self.interrupts[frame["interrupt_id"]] = "pending"

    def _interrupt_resolved(self, frame):
        before = self.interrupts.get(frame["interrupt_id"], None if self.is_whole else "pending")
        assert before == "pending", "what is resolved was pending until now"
        self.interrupts[frame["interrupt_id"]] = frame["outcome"]

    def _interrupt_expired(self, frame):
        assert self.interrupts.get(frame["interrupt_id"], "expired") == "expired"

    def _message_complete(self, frame):
        self._nothing_waits(frame)
        self.ended += 1
        missing = self.pieces.keys() - self.contents.keys()
        if (
            frame["status"] == "handed_off"
        ):  # what a person broke off is void, and may be answered later
            self.ended -= 1
            for message_id in missing:
                del self.pieces[message_id]
        elif self.is_whole:
            assert self.ended <= self.accepted, "a run ends that nobody asked for"
            assert not missing, "pieces were said, and their message never came"

    def _nothing_waits(self, frame):
        assert not self.is_waiting, (
            f"after an interrupt nothing comes until it is resolved: {frame}"
        )


class Client:
    """One connection. `frames` are all frames that came; `threads` what they amount to."""

    def __init__(self, url, *, threads=None, **options):
        self._url = url + "/ws/chat/"
        self._options = options
        self._problem = None
        self._news = asyncio.Event()
        self._seen = 0
        self.frames = []
        self.threads = threads if threads is not None else {}
        self.session = None
        self.close_code = None

    async def __aenter__(self):
        self.socket = await websockets.connect(
            self._url, max_size=None, open_timeout=SECONDS, **self._options
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_):
        await self.socket.close()
        await asyncio.wait({self._reader}, timeout=SECONDS)
        self._reader.cancel()
        if self._problem is not None:
            raise self._problem

    async def _read(self):
        try:
            async for text in self.socket:
                self._take(json.loads(text))
                self._news.set()
        except AssertionError as problem:
            self._problem = problem
        except websockets.ConnectionClosed:
            pass
        finally:
            self.close_code = self.socket.close_code
            self._news.set()

    def _take(self, frame):
        kind = frame["type"]
        assert isinstance(kind, str)
        if not self.frames and frame.get("code") != "invalid_token":
            assert kind == "session", "the first frame is answered with the session"
        if kind == "session":
            assert self.session is None, "one session a connection"
            assert frame["protocol"] == 1
            assert {"visitor_id", "token", "template", "limits"} <= frame.keys()
            self.session = frame
        elif kind == "error":
            text = ERRORS.get(frame["code"])
            if frame["code"] == "invalid_field":
                assert frame["message"].startswith("Invalid ")
            else:
                assert frame["message"] == text, frame
            if frame["code"] == "rate_limited":
                assert frame["retry_after"] > 0
        elif self._is_known(frame):
            pass
        elif kind in STORED or kind in PASSING:
            self.threads.setdefault(frame["thread_id"], Thread()).take(frame)
        self.frames.append(frame)

    def _is_known(self, frame):
        """Two frames may come again, as answers: to a message sent again, and to an answer that came too late."""
        thread = self.threads.get(frame.get("thread_id"))
        return (
            thread is not None
            and frame["type"] in ("message_accepted", "interrupt_expired")
            and frame["seq"] <= thread.seq
            and (frame in thread.events or not thread.is_whole)
        )

    # --- what a client does ---

    async def send(self, kind, **fields):
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def send_raw(self, data):
        await self.socket.send(data)

    async def hello(self, **fields):
        """Say who I am; returns the session. With `thread_id`: resume it after `after_seq`."""
        if "thread_id" in fields:
            after = fields.get("after_seq", 0)
            self.threads.setdefault(fields["thread_id"], Thread(after, came_later=True))
        await self.send("hello", **fields)
        return await self.wait("session")

    async def resume(self, thread_id, after_seq):
        self.threads[thread_id] = Thread(after_seq, came_later=True)
        await self.send("resume", thread_id=thread_id, after_seq=after_seq)

    async def say(self, thread_id, content, **fields):
        await self.send("message", thread_id=thread_id, content=content, **fields)

    async def ask(self, thread_id, content, **fields):
        """Say something and wait until the run is over or waits; returns the frames of this turn."""
        before = await self.settled()  # the end of an older run may still be on its way
        await self.say(thread_id, content, **fields)
        await self.wait("message_complete", "interrupt", thread_id=thread_id)
        return self.frames[before:]

    async def ask_for_person(self, thread_id, **fields):
        await self.send("handoff", thread_id=thread_id, **fields)
        return await self.wait("handoff", status="requested")

    async def answer(self, thread_id, approved, **fields):
        await self.send("interrupt_response", thread_id=thread_id, approved=approved, **fields)

    async def wait(self, *kinds, seconds=SECONDS, **fields):
        """Return the next frame of one of these types with these fields; what came before it counts as seen."""

        async def look():
            while True:
                if self._problem is not None:
                    raise self._problem
                while self._seen < len(self.frames):
                    frame = self.frames[self._seen]
                    self._seen += 1
                    if frame["type"] in kinds and fields.items() <= frame.items():
                        return frame
                if self.close_code is not None:
                    raise EOFError(f"closed with {self.close_code} while waiting for {kinds}")
                self._news.clear()
                await self._news.wait()

        try:
            return await asyncio.wait_for(look(), seconds)
        except TimeoutError:
            kinds_seen = [frame["type"] for frame in self.frames]
            raise AssertionError(f"no {kinds} {fields} within {seconds} s: {kinds_seen}") from None

    async def settled(self):
        """Wait until the server has handled what was sent before; returns the number of frames then."""
        await self.send("ping")
        await self.wait("pong")
        return len(self.frames)

    async def error(self, code=None):
        frame = await self.wait("error")
        assert code in (None, frame["code"]), frame
        return frame

    async def closed(self, code):
        """Wait for the server to close the connection with this code."""
        await asyncio.wait_for(self.socket.wait_closed(), SECONDS)
        await asyncio.wait({self._reader}, timeout=SECONDS)
        assert self.socket.close_code == code

    @property
    def types(self):
        return [frame["type"] for frame in self.frames]
