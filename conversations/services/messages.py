"""A customer's message: accepted once, in one transaction."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from agents import fault_points
from agents.selectors import get_spec
from agents.spec import TemplateSpec
from conversations import errors
from conversations.database import database_now
from conversations.events import MessageAccepted, frame, publish
from conversations.models import Conversation, Event, Interrupt, Message, Run
from conversations.services import interrupts
from conversations.services.handoffs import want_person
from conversations.services.notices import say
from conversations.services.sessions import expire_if_idle, open_conversation


@dataclass(frozen=True)
class Accepted:
    """A stored message.

    Attributes:
        conversation_id: Its conversation.
        frame: The `message_accepted` frame.
        is_new: False for a message that had been accepted before.
    """

    conversation_id: uuid.UUID
    frame: dict[str, Any]
    is_new: bool


def receive_message(
    *,
    visitor_id: uuid.UUID,
    thread_id: str,
    content: str,
    template: str,
    client_message_id: str | None = None,
) -> Accepted:
    """Store a customer's message and the run that answers it.

    A whole message that is a yes or no word answers the pending interrupt; any other supersedes it. While a person
    has the conversation, a message is theirs: it starts no run.

    Args:
        visitor_id: Who writes.
        thread_id: The conversation; made when it does not exist.
        content: What is said.
        template: The slug with which a new conversation begins.
        client_message_id: Makes a re-send safe: the same id in the same thread is accepted once.

    Raises:
        Forbidden: Another visitor's thread.
        SessionExpired: Too long without activity.
        Busy: Five messages wait already.
        BudgetExhausted: The conversation has used up what the template grants it.
    """
    with transaction.atomic():
        now = database_now()
        conversation = open_conversation(visitor_id, thread_id, template, now)
        if client_message_id and (known := _find_accepted(conversation, client_message_id)):
            return Accepted(conversation.pk, known, is_new=False)
        refusal = _find_refusal(conversation, now)
        if refusal is None:
            accepted = _accept(conversation, content, client_message_id, now)
            fault_points.reach("message.before_commit")
    fault_points.reach("message.after_commit")
    if refusal is not None:  # raised after the commit, because a refusal may leave a mark
        raise refusal
    return Accepted(conversation.pk, accepted, is_new=True)


def _find_accepted(conversation: Conversation, client_message_id: str) -> dict[str, Any] | None:
    message = conversation.messages.filter(client_message_id=client_message_id).first()
    if message is None:
        return None
    event = Event.objects.get(
        conversation=conversation, type=MessageAccepted.type, payload__message_id=str(message.pk)
    )
    return frame(event, conversation.thread_id)


def _find_refusal(conversation: Conversation, now: datetime) -> errors.ConversationsError | None:
    """Return why nothing can be said here now; None when it can."""
    if conversation.status == Conversation.Status.HANDED_OFF:
        return None
    if expire_if_idle(conversation, now):
        return errors.SessionExpired()
    if conversation.runs.filter(status=Run.Status.PENDING).count() >= settings.MAX_QUEUED_MESSAGES:
        return errors.Busy()
    if _has_used_its_budget(conversation):
        want_person(conversation, "budget", now=now)
        return errors.BudgetExhausted()
    return None


def _has_used_its_budget(conversation: Conversation) -> bool:
    budget = get_spec(conversation.version).budget
    tokens = conversation.input_tokens + conversation.output_tokens
    return (budget.tokens is not None and tokens >= budget.tokens) or (
        budget.cost_usd is not None and conversation.cost_usd >= budget.cost_usd
    )


def _accept(
    conversation: Conversation, content: str, client_message_id: str | None, now: datetime
) -> dict[str, Any]:
    spec = get_spec(conversation.version)
    # Under the lock with which a takeover sets this: no run can start that a person would have to stop.
    is_for_person = conversation.status == Conversation.Status.HANDED_OFF
    run = None if is_for_person else _queue_run(conversation, content, spec, now)
    fault_points.reach("message.after_run")
    message = Message.objects.create(
        conversation=conversation,
        run=run,
        role=Message.Role.CUSTOMER,
        content=content,
        is_for_person=is_for_person,
        client_message_id=client_message_id,
        created_at=now,
    )
    accepted = MessageAccepted(str(message.pk), content, now.isoformat(), client_message_id)
    [stored] = publish(conversation, [accepted], now=now, run=run)
    if is_for_person:
        return stored
    if run is None:
        _answer_interrupt(conversation, content, spec, now)
    else:
        # The customer went on to something else.
        interrupts.withdraw(conversation, conversation.interrupts.all(), by="customer", now=now)
    return stored


def _pending(conversation: Conversation) -> list[Interrupt]:
    return list(conversation.interrupts.filter(status=Interrupt.Status.PENDING))


def find_confirmation(content: str, spec: TemplateSpec) -> bool | None:
    """Return what a whole message answers: True for a yes word, False for a no word, None for anything else."""
    word = content.strip().casefold()
    if word in {w.casefold() for w in spec.confirm_words.yes}:
        return True
    if word in {w.casefold() for w in spec.confirm_words.no}:
        return False
    return None


def _queue_run(
    conversation: Conversation, content: str, spec: TemplateSpec, now: datetime
) -> Run | None:
    """Create the run that answers a message; None for a message that answers an interrupt instead."""
    if find_confirmation(content, spec) is not None and _pending(conversation):
        return None
    return Run.objects.create(
        conversation=conversation, position=conversation.last_seq + 1, created_at=now, ready_at=now
    )


def _answer_interrupt(
    conversation: Conversation, content: str, spec: TemplateSpec, now: datetime
) -> None:
    """Let a yes or no word decide what waits; when that is not one thing for the customer, say what to do."""
    pending = _pending(conversation)
    outcome = (
        Interrupt.Status.APPROVED if find_confirmation(content, spec) else Interrupt.Status.REJECTED
    )
    if len(pending) == 1 and pending[0].approver == Interrupt.Approver.CUSTOMER:
        if not interrupts.settle(conversation, pending[0], outcome, by="customer", now=now):
            interrupts.expire(conversation, pending[0], now=now)
        return
    text = spec.texts.waits_for_staff if len(pending) == 1 else spec.texts.several_wait
    publish(conversation, [say(conversation, text, now=now)], now=now)
