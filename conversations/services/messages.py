"""A customer's message: accepted once, in one transaction."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from agents import fault_points
from agents.selectors import get_spec
from agents.spec import TemplateSpec
from conversations import errors
from conversations.events import MessageAccepted, frame, publish
from conversations.models import Conversation, Event, Interrupt, Message, Run
from conversations.rows import read
from conversations.services import interrupts
from conversations.services.handoffs import want_person
from conversations.services.notices import say
from conversations.services.runs import Claim, claim_new
from conversations.services.sessions import expire_if_idle, open_conversation
from conversations.unit import Unit, unit_of_work


@dataclass(frozen=True)
class Accepted:
    """A stored message.

    Attributes:
        conversation_id: Its conversation.
        frame: The `message_accepted` frame.
        is_new: False for a message that had been accepted before.
        claim: The run that answers it, when the caller takes it up and nothing comes before it.
    """

    conversation_id: uuid.UUID
    frame: dict[str, Any]
    is_new: bool
    claim: Claim | None = None


def receive_message(
    *,
    visitor_id: uuid.UUID,
    thread_id: str,
    content: str,
    template: str,
    client_message_id: str | None = None,
    takes_up: bool = False,
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
        takes_up: Whether the caller works on the run at once, if it may begin: it is claimed with the same commit.

    Raises:
        Forbidden: Another visitor's thread.
        SessionExpired: Too long without activity.
        Busy: Five messages wait already.
        BudgetExhausted: The conversation has used up what the template grants it.
    """
    with unit_of_work() as unit:
        conversation = open_conversation(unit, visitor_id, thread_id, template)
        # Gathered, it is not asked for: the constraint breaks the gathering off, and each is done alone.
        asked_for = None if unit.is_gathered else client_message_id
        if asked_for and (known := _find_accepted(conversation, asked_for)):
            return Accepted(conversation.pk, known, is_new=False)
        refusal = _find_refusal(unit, conversation)
        accepted = refusal or _accept(unit, conversation, content, client_message_id, takes_up)
        fault_points.reach("message.before_commit")
        transaction.on_commit(partial(fault_points.reach, "message.after_commit"))
    if isinstance(accepted, Accepted):
        return accepted
    raise accepted  # after the commit, because a refusal may leave a mark


def _find_accepted(conversation: Conversation, client_message_id: str) -> dict[str, Any] | None:
    also = "AND client_message_id = %s"
    known = read(Message, "conversation", [conversation.pk], also=also, params=[client_message_id])
    if not known:
        return None
    [message] = known
    event = Event.objects.get(
        conversation=conversation, type=MessageAccepted.type, payload__message_id=str(message.pk)
    )
    return frame(event, conversation.thread_id)


def _find_refusal(unit: Unit, conversation: Conversation) -> errors.ConversationsError | None:
    """Return why nothing can be said here now; None when it can."""
    now = unit.now()
    if conversation.status == Conversation.Status.HANDED_OFF:
        return None
    if expire_if_idle(conversation, now):
        return errors.SessionExpired()
    queued = [run for run in unit.unfinished(conversation) if run.status == Run.Status.PENDING]
    if len(queued) >= settings.MAX_QUEUED_MESSAGES:
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
    unit: Unit,
    conversation: Conversation,
    content: str,
    client_message_id: str | None,
    takes_up: bool,
) -> Accepted:
    now = unit.now()
    spec = get_spec(conversation.version)
    # Under the lock with which a takeover sets this: no run can start that a person would have to stop.
    is_for_person = conversation.status == Conversation.Status.HANDED_OFF
    earlier = unit.unfinished(conversation)
    run: Run | None = None
    if not is_for_person and not _is_an_answer(conversation, content, spec, earlier):
        run = Run(
            conversation=conversation,
            position=conversation.last_seq + 1,
            created_at=now,
            ready_at=now,
        )
        unit.add(run)
    fault_points.reach("message.after_run")
    message = Message(
        conversation_id=conversation.pk,
        run_id=run.pk if run else None,
        role=Message.Role.CUSTOMER,
        content=content,
        is_for_person=is_for_person,
        client_message_id=client_message_id,
        created_at=now,
    )
    unit.add(message)
    said = MessageAccepted(str(message.pk), content, now.isoformat(), client_message_id)
    [stored] = publish(conversation, [said], now=now, run=run)
    claim: Claim | None = None
    if run is not None and earlier:
        # The customer went on to something else.
        interrupts.withdraw(conversation, conversation.interrupts.all(), by="customer", now=now)
    elif run is not None and takes_up:
        claim = claim_new(unit, conversation, run, content)
    elif run is None and not is_for_person:
        _answer_interrupt(conversation, content, spec, now)
    return Accepted(conversation.pk, stored, is_new=True, claim=claim)


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


def _is_an_answer(
    conversation: Conversation, content: str, spec: TemplateSpec, earlier: list[Run]
) -> bool:
    """Return whether a message answers an interrupt, and starts no run. What waits belongs to an unfinished run."""
    return bool(earlier and find_confirmation(content, spec) is not None and _pending(conversation))


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
