"""Staff step in, answer, and step back. Each verb checks the permission, changes rows in one transaction, and tells."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from conversations.database import database_now
from conversations.events import publish
from conversations.models import Conversation
from conversations.selectors import conversations_to_lock
from conversations.services import takeovers as conversation_takeovers
from conversations.services.notices import name_of, say
from escalation.errors import AlreadyTaken, MoveRefused, NotTaken, TextInvalid
from escalation.events import ConversationResolved, EscalationAssigned
from escalation.models import Escalation
from escalation.models.escalations import MOVES, OPEN
from escalation.services.handoffs import open_escalation
from escalation.services.permissions import require_take_over

Status = Escalation.Status


def take_over(conversation_id: uuid.UUID, user: AbstractBaseUser) -> Escalation:
    """Let a person answer in the agents' place: the run that goes on is stopped, what waits is withdrawn.

    Args:
        conversation_id: Also one in which nobody has asked for a person.
        user: Who takes over. Taking over again what one has changes nothing.

    Raises:
        NotPermitted: The permission is lacking.
        AlreadyTaken: Somebody else was quicker; the message names them.
        MoveRefused: The conversation is over, and nobody asked for a person in it.
    """
    require_take_over(user)
    with transaction.atomic():
        conversation = conversations_to_lock().get(pk=conversation_id)
        now = database_now()
        escalation = find_open(conversation_id) or _step_in(conversation, now)
        if escalation.status == Status.ASSIGNED:
            if escalation.assignee_id == user.pk:
                return escalation
            raise _taken(escalation)
        name = name_of(user)
        # What is due next stays the first word: it has not been said yet.
        _move(escalation, Status.ASSIGNED, assignee=user, assigned_at=now)
        conversation_takeovers.hand_over(conversation, name=name, now=now)
        fact = EscalationAssigned(str(escalation.pk), str(user.pk), name)
        publish(conversation, [fact], now=now)
    return escalation


def reply(conversation_id: uuid.UUID, user: AbstractBaseUser, text: str) -> None:
    """Say something to the customer, in one's own name.

    Raises:
        NotPermitted: The permission is lacking.
        TextInvalid: Empty, too long, or with a NUL.
        NotTaken: Nobody has taken over.
        AlreadyTaken: Somebody else has.
    """
    require_take_over(user)
    text = check_text(text)
    with transaction.atomic():
        conversation = conversations_to_lock().get(pk=conversation_id)
        now = database_now()
        escalation = _require_assigned(conversation_id)
        if escalation.assignee_id != user.pk:
            raise _taken(escalation)
        publish(conversation, [say(conversation, text, now=now, by=user)], now=now)
        if escalation.responded_at is None:
            escalation.responded_at, escalation.due_at = now, escalation.resolve_by
            escalation.save(update_fields=["responded_at", "due_at"])


def release(conversation_id: uuid.UUID, user: AbstractBaseUser) -> Escalation:
    """Give a conversation back to the agents, who know what was said. Also a colleague's, who may have gone home.

    Raises:
        NotPermitted: The permission is lacking.
        NotTaken: Nobody has taken over.
    """
    require_take_over(user)
    with transaction.atomic():
        conversation = conversations_to_lock().get(pk=conversation_id)
        now = database_now()
        escalation = _require_assigned(conversation_id)
        _move(escalation, Status.RELEASED, ended_at=now)
        conversation_takeovers.give_back(conversation, name=name_of(user), now=now)
    return escalation


def resolve(conversation_id: uuid.UUID, user: AbstractBaseUser) -> Escalation:
    """Settle and close a conversation, and ask the customer for a rating. Nobody need have taken over.

    Raises:
        NotPermitted: The permission is lacking.
        NotTaken: Nobody has asked for a person, or it is settled already.
    """
    require_take_over(user)
    with transaction.atomic():
        conversation = conversations_to_lock().get(pk=conversation_id)
        now = database_now()
        escalation = find_open(conversation_id)
        if escalation is None:
            raise NotTaken("Nothing is open here: nobody waits for a person, and nobody has it.")
        _move(escalation, Status.RESOLVED, ended_at=now, resolved_by=user)
        conversation_takeovers.close(conversation, now=now)
        fact = ConversationResolved(str(escalation.pk), str(user.pk), name_of(user))
        publish(conversation, [fact], now=now)
    return escalation


def find_open(conversation_id: uuid.UUID) -> Escalation | None:
    """Return the escalation that is open in a conversation, with its assignee."""
    rows = Escalation.objects.filter(conversation_id=conversation_id, status__in=OPEN)
    return rows.select_related("assignee").first()


def check_text(text: str) -> str:
    """Return a text without space around it; raises TextInvalid when there is nothing to say, or too much."""
    text = text.replace("\r\n", "\n").strip()
    if not text or "\0" in text:
        raise TextInvalid("There is nothing to send. Please write something.")
    if len(text) > settings.MAX_CONTENT_CHARS:
        raise TextInvalid(
            f"That is too long: {len(text)} characters of {settings.MAX_CONTENT_CHARS} at most."
        )
    return text


def _step_in(conversation: Conversation, now: datetime) -> Escalation:
    if conversation.status in (Conversation.Status.CLOSED, Conversation.Status.EXPIRED):
        raise MoveRefused(f"This conversation is over ({conversation.get_status_display()}).")
    return open_escalation(conversation, Escalation.Reason.STAFF, now=now)


def _require_assigned(conversation_id: uuid.UUID) -> Escalation:
    escalation = find_open(conversation_id)
    if escalation is None or escalation.status != Status.ASSIGNED:
        raise NotTaken("Nobody has this conversation. Take it over first.")
    return escalation


def _taken(escalation: Escalation) -> AlreadyTaken:
    who = name_of(escalation.assignee) if escalation.assignee else "somebody else"
    return AlreadyTaken(f"{who} has this conversation.")


def _move(escalation: Escalation, to: str, **values: Any) -> None:
    """Take an escalation to another status, if `MOVES` has it; one of two at once wins."""
    allowed = [status for status, targets in MOVES.items() if to in targets]
    changed = Escalation.objects.filter(pk=escalation.pk, status__in=allowed).update(
        status=to, **values
    )
    if changed != 1:
        raise MoveRefused(f"What is {escalation.get_status_display()} cannot become {to}.")
    escalation.refresh_from_db()
