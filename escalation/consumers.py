"""The socket of a conversation's page in admin: says that there is news, and carries typing signs both ways."""

from __future__ import annotations

import json
import logging
import uuid
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from conversations.database import in_thread
from conversations.limits import Bucket
from conversations.live import Numbered, hub, staff_side, tell_views
from conversations.models import Conversation
from conversations.services.notices import name_of
from escalation.models import Escalation
from escalation.services.permissions import Person
from escalation.services.takeovers import find_open

logger = logging.getLogger(__name__)

REFUSED = 4403


@in_thread
def _find_thread(user: Person, conversation_id: uuid.UUID) -> str | None:
    """Return the thread of a conversation, for whoever may read it in admin."""
    is_staff = user.is_active and getattr(user, "is_staff", False)
    if not is_staff or not user.has_perm("conversations.view_conversation"):  # type: ignore[union-attr]
        return None
    return (
        Conversation.objects.filter(pk=conversation_id).values_list("thread_id", flat=True).first()
    )


@in_thread
def _find_assigned_name(user: Person, conversation_id: uuid.UUID) -> str | None:
    """Return this person's name, if it is they who have the conversation."""
    escalation = find_open(conversation_id)
    is_theirs = escalation is not None and escalation.status == Escalation.Status.ASSIGNED
    if escalation is None or not is_theirs or escalation.assignee_id != user.pk:
        return None
    return name_of(escalation.assignee) if escalation.assignee else None


class DeskConsumer(AsyncWebsocketConsumer):
    """One page of one member of staff; a view of the conversation, and of what is for staff alone."""

    channel_layer_alias = ""  # none: the hub hears for all

    async def connect(self) -> None:
        self._conversation_id: uuid.UUID = self.scope["url_route"]["kwargs"]["conversation_id"]
        self._keys: tuple[uuid.UUID, ...] = ()
        self._signs = Bucket(size=5, per_second=0.5)
        self._thread_id = await _find_thread(self.scope["user"], self._conversation_id)
        await self.accept()
        if self._thread_id is None:
            await self.close(code=REFUSED)
            return
        hub.open()
        self._keys = (self._conversation_id, staff_side(self._conversation_id))
        for key in self._keys:
            hub.attach(key, self)
        await hub.wait_until_listening()
        # From here on nothing is missed; what was said before, the page is to fetch.
        self._tell({"type": "news"})

    async def disconnect(self, code: int) -> None:
        for key in self._keys:
            hub.detach(key, self)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Pass a typing sign on to the customer; nothing else is said over this socket."""
        if self._thread_id is None or not self._signs.take() or not _is_typing(text_data or ""):
            return
        name = await _find_assigned_name(self.scope["user"], self._conversation_id)
        if name is not None:
            sign = {"type": "typing", "thread_id": self._thread_id, "author": name}
            tell_views(self._conversation_id, sign)

    # --- a view of the conversation ---

    def push(self, text: str) -> None:
        # Pieces of an answer pass by; a whole one is news. A sign with an author is one of staff's own.
        if _is_typing(text) and "author" not in json.loads(text):
            self._tell({"type": "typing"})

    def push_events(self, conversation_id: uuid.UUID, events: list[Numbered]) -> None:
        self._tell({"type": "news", "seq": events[-1][0]})

    def catch_up(self, conversation_id: uuid.UUID, seq: int) -> None:
        self._tell({"type": "news", "seq": seq})

    def _tell(self, frame: dict[str, Any]) -> None:
        hub.spawn(self._send(json.dumps(frame)))

    async def _send(self, text: str) -> None:
        try:
            await self.send(text_data=text)
        except (OSError, RuntimeError):
            logger.debug("a page of staff has gone")


def _is_typing(text: str) -> bool:
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(frame, dict) and frame.get("type") == "typing"
