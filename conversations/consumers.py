"""The chat's socket: parse a frame, call a service, forward frames. It never awaits a run."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from typing import Any
from urllib.parse import urlsplit

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from agents.models import AgentTemplate
from agents.selectors import get_current_version
from conversations import errors, protocol, runs
from conversations.database import in_thread
from conversations.events import StatusChanged
from conversations.events import frame as as_frame
from conversations.gathering import together
from conversations.identity import make_token, read_identity, read_token
from conversations.limits import Bucket
from conversations.live import Numbered, encode, hub, tell_staff
from conversations.models import Conversation, Visitor
from conversations.selectors import find_conversation, list_events
from conversations.services import feedback, handoffs, interrupts, visitors
from conversations.services import runs as run_services
from conversations.telemetry import set_log_ids

logger = logging.getLogger(__name__)

PROTOCOL_VERSION = 1
# A reader this far behind is gone or hostile; what it misses is in the event table.
MAX_OUTBOX_FRAMES = 2_000

_create_visitor = together(visitors.create_visitors)
_find_visitor = together(visitors.find_visitors)
_recognise_customer = together(visitors.recognise_customers)
_get_current_version = in_thread(get_current_version)
_answer = in_thread(interrupts.answer)
_request_stop = in_thread(run_services.request_stop)
_request_handoff = in_thread(handoffs.request_handoff)
_give_feedback = in_thread(feedback.give_feedback)
_find_conversation = in_thread(find_conversation)
_list_events = in_thread(list_events)


class ChatConsumer(AsyncWebsocketConsumer):
    """One visitor's connection; it may show several conversations."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._visitor_id: uuid.UUID | None = None
        self._template = settings.DEFAULT_TEMPLATE
        self._seqs: dict[uuid.UUID, int] = {}
        self._behind: dict[uuid.UUID, int] = {}
        self._catching_up: asyncio.Task[None] | None = None
        self._outbox: list[str] = []  # a deque that is empty has room for 64: 0.7 KB
        self._sender: asyncio.Task[None] | None = None
        self._frames = Bucket(size=300, per_second=100)
        self._messages = Bucket(size=60, per_second=10)

    # --- the socket ---

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # Channels would open a channel in Valkey for each socket, and a task that waits for it; the hub hears for all.
        # For each frame it would close old database connections in the one shared thread (FACTS: 255 µs); this consumer
        # asks the database `in_thread` only, which does it itself.
        self.scope, self.base_send = scope, send
        with contextlib.suppress(StopConsumer):
            while True:
                message = await receive()
                await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        if not _is_allowed_origin(self.scope):
            await self.close()
            return
        hub.open()
        await self.accept()

    async def disconnect(self, code: int) -> None:
        for conversation_id in self._seqs:
            hub.detach(conversation_id, self)
        for task in (self._sender, self._catching_up):
            if task is not None:
                task.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            await self._receive(text_data, bytes_data)
        except errors.ConversationsError as error:
            await self._refuse(error, text_data)
        except Exception:
            logger.exception("a frame could not be handled")
            await self._refuse(errors.InternalError(), text_data)

    async def _receive(self, text: str | None, data: bytes | None) -> None:
        self._check_flood()
        try:
            frame = protocol.parse_frame(text, data)
        except errors.ConversationsError:
            await self._ensure_session(None)
            raise
        is_first = self._visitor_id is None
        hello = frame if isinstance(frame, protocol.Hello) else None
        await self._ensure_session(hello)
        if hello is not None and not is_first:
            raise errors.InvalidField("type")
        set_log_ids(thread_id=getattr(frame, "thread_id", None))
        await self._handle(frame)

    def _check_flood(self) -> None:
        if not self._frames.take():
            raise errors.Flooded(retry_after=self._frames.wait_seconds())

    async def _refuse(self, error: errors.ConversationsError, text: str | None) -> None:
        frame: dict[str, Any] = {"type": "error", "code": error.code, "message": str(error)}
        thread_id = _thread_id_of(text)
        if thread_id is not None:
            frame["thread_id"] = thread_id
        if error.retry_after is not None:
            frame["retry_after"] = error.retry_after
        self._send(frame)
        if error.close_code is not None:
            await self._drain()
            await self.close(code=error.close_code)

    # --- who it is ---

    async def _ensure_session(self, hello: protocol.Hello | None) -> None:
        """Answer the first frame with `session`."""
        if self._visitor_id is not None:
            return
        locale = (hello.locale if hello else None) or ""
        visitor: Visitor | None
        if hello is not None and hello.identity is not None:
            visitor = await _recognise_customer((read_identity(hello.identity), locale))
        elif hello is not None and hello.token is not None:
            visitor = await _find_visitor(read_token(hello.token))
            if visitor is None:
                raise errors.InvalidToken
        else:
            visitor = await _create_visitor(locale)
        self._visitor_id = visitor.pk
        unknown_template = False
        if hello is not None and hello.template is not None:
            try:
                await _get_current_version(hello.template)
                self._template = hello.template
            except AgentTemplate.DoesNotExist:
                unknown_template = True
        self._send(self._session(make_token(visitor.pk)))
        if unknown_template:
            raise errors.InvalidField("template")

    def _known_visitor_id(self) -> uuid.UUID:
        if self._visitor_id is None:
            raise RuntimeError("a frame was handled before its session")
        return self._visitor_id

    def _session(self, token: str) -> dict[str, Any]:
        return {
            "type": "session",
            "protocol": PROTOCOL_VERSION,
            "visitor_id": str(self._visitor_id),
            "token": token,
            "template": self._template,
            "limits": {
                "frame_bytes": settings.MAX_FRAME_BYTES,
                "content_chars": settings.MAX_CONTENT_CHARS,
                "queued_messages": settings.MAX_QUEUED_MESSAGES,
                "session_ttl_seconds": settings.SESSION_TTL_SECONDS,
                "interrupt_ttl_seconds": settings.INTERRUPT_TTL_SECONDS,
            },
        }

    # --- frames ---

    async def _handle(self, frame: protocol.ClientFrame) -> None:
        match frame:
            case protocol.Ping():
                self._send({"type": "pong"})
            case protocol.Hello():
                if frame.thread_id is not None:
                    await self._hello_again(frame.thread_id, frame.after_seq or 0)
            case protocol.Say():
                await self._say(frame)
            case protocol.InterruptResponse():
                await self._respond(frame)
            case protocol.Resume():
                conversation = await self._conversation(frame.thread_id)
                await self._resume(conversation, frame.after_seq)
            case protocol.Stop():
                conversation = await self._conversation(frame.thread_id)
                runs.stop(conversation.pk)
                await _request_stop(conversation.pk)
            case protocol.Handoff():
                await self._hand_off(frame)
            case protocol.Feedback():
                await self._rate(frame)
            case protocol.Typing():
                conversation = await self._conversation(frame.thread_id)
                if conversation.status == Conversation.Status.HANDED_OFF:
                    tell_staff(conversation, {"type": "typing", "thread_id": frame.thread_id})

    async def _hello_again(self, thread_id: str, after_seq: int) -> None:
        """Resume the thread that a hello names; one that does not exist yet is what a first visit looks like."""
        conversation = await _find_conversation(thread_id)
        if conversation is None:
            return
        if conversation.visitor_id != self._visitor_id:
            raise errors.Forbidden
        await self._resume(conversation, after_seq)

    async def _resume(self, conversation: Conversation, after_seq: int) -> None:
        # A client that counts further than the server would wait for ever for the number that follows.
        known_seq = min(after_seq, conversation.last_seq)
        await self._follow(conversation.pk, known_seq)

    async def _conversation(self, thread_id: str) -> Conversation:
        """Return the visitor's conversation. Another's, and one that does not exist, look the same."""
        conversation = await _find_conversation(thread_id)
        if conversation is None or conversation.visitor_id != self._visitor_id:
            raise errors.Forbidden
        return conversation

    async def _say(self, frame: protocol.Say) -> None:
        if not self._messages.take():
            raise errors.RateLimited(retry_after=self._messages.wait_seconds())
        accepted = await runs.receive_message(
            visitor_id=self._known_visitor_id(),
            thread_id=frame.thread_id,
            content=frame.content,
            template=self._template,
            client_message_id=frame.client_message_id,
        )
        if accepted.conversation_id not in self._seqs:
            self._listen(accepted.conversation_id, accepted.frame["seq"])
            self._send(accepted.frame)
        elif not accepted.is_new:
            self._send(accepted.frame)

    async def _hand_off(self, frame: protocol.Handoff) -> None:
        if not self._messages.take():
            raise errors.RateLimited(retry_after=self._messages.wait_seconds())
        requested = await _request_handoff(
            visitor_id=self._known_visitor_id(),
            thread_id=frame.thread_id,
            template=self._template,
            reason=frame.reason or "",
        )
        if requested.conversation_id not in self._seqs:
            await self._follow(requested.conversation_id, requested.after_seq)

    async def _rate(self, frame: protocol.Feedback) -> None:
        if not self._messages.take():
            raise errors.RateLimited(retry_after=self._messages.wait_seconds())
        conversation = await self._conversation(frame.thread_id)
        if conversation.pk not in self._seqs:
            await self._follow(conversation.pk, conversation.last_seq)
        await _give_feedback(
            conversation.pk,
            frame.rating,
            comment=frame.comment or "",
            message_id=frame.message_id,
        )

    async def _respond(self, frame: protocol.InterruptResponse) -> None:
        conversation = await self._conversation(frame.thread_id)
        if conversation.pk not in self._seqs:
            await self._follow(conversation.pk, conversation.last_seq)
        try:
            await _answer(
                conversation,
                interrupt_id=frame.interrupt_id,
                approved=frame.approved,
                comment=frame.comment or "",
            )
        except errors.InterruptExpired as expired:
            self._send(expired.frame)

    # --- events, in order ---

    async def _follow(self, conversation_id: uuid.UUID, after_seq: int) -> None:
        """Send every event after that number, then go on live."""
        self._listen(conversation_id, after_seq)
        await self._read_missing(conversation_id)

    def _listen(self, conversation_id: uuid.UUID, after_seq: int) -> None:
        """Have every event after that number sent that is stored from now on."""
        is_new = conversation_id not in self._seqs
        self._seqs[conversation_id] = after_seq
        if is_new:
            hub.attach(conversation_id, self)

    async def _read_missing(self, conversation_id: uuid.UUID) -> None:
        while True:
            after = self._seqs[conversation_id]
            events = await _list_events(conversation_id, after)
            for event in events:
                if event.seq == self._seqs[conversation_id] + 1:
                    self._seqs[conversation_id] = event.seq
                    self._send(as_frame(event, event.conversation.thread_id))
                    if event.type == StatusChanged.type and event.conversation.is_without_agents:
                        runs.stop(conversation_id)  # a person took over in another process
            if not events or self._seqs[conversation_id] == after:
                return

    def push(self, text: str) -> None:
        self._put(text)

    def push_events(self, conversation_id: uuid.UUID, events: list[Numbered]) -> None:
        for seq, text in events:
            if seq == self._seqs[conversation_id] + 1:
                self._seqs[conversation_id] = seq
                self._put(text)
            elif seq > self._seqs[conversation_id]:
                self.catch_up(conversation_id, seq)
                return

    def catch_up(self, conversation_id: uuid.UUID, seq: int) -> None:
        if seq <= self._seqs.get(conversation_id, seq):
            return
        self._behind[conversation_id] = seq
        self._catch_up_soon()

    def _catch_up_soon(self) -> None:
        if self._catching_up is None:
            self._catching_up = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        while self._behind:
            conversation_id, _ = self._behind.popitem()
            try:
                await self._read_missing(conversation_id)
            except Exception:
                logger.exception("missed events could not be read; the next poll tries again")
        self._catching_up = None

    # --- sending ---

    def _send(self, frame: dict[str, Any]) -> None:
        self._put(encode(frame))

    def _put(self, text: str) -> None:
        if len(self._outbox) >= MAX_OUTBOX_FRAMES:
            hub.spawn(self.close(code=1013))
            return
        self._outbox.append(text)
        # Only while there is something to send: a task that waits is 2 KB of each idle socket.
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            # A socket that has gone ends this task; `disconnect` does the rest.
            with contextlib.suppress(OSError, RuntimeError):
                await self._drain()
        finally:
            self._sender = None

    async def _drain(self) -> None:
        while self._outbox:
            await self.send(text_data=self._outbox.pop(0))


def _thread_id_of(text: str | None) -> str | None:
    """Return the thread that a refused frame names, if it names one at all."""
    try:
        return protocol.parse_thread_id(text)
    except errors.ConversationsError:
        return None


def _is_allowed_origin(scope: dict[str, Any]) -> bool:
    """Return whether a page of this origin may connect. What is no browser sends no Origin."""
    headers = dict(scope.get("headers", []))
    origin: str = headers.get(b"origin", b"").decode("latin-1")
    if not origin or "*" in settings.ALLOWED_ORIGINS or origin in settings.ALLOWED_ORIGINS:
        return True
    host: bytes = headers.get(b"host", b"")
    return urlsplit(origin).netloc.encode("latin-1", "replace") == host
