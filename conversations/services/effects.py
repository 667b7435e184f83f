"""Effects: the record of each write, and that its approval is used up. A grant is an interrupt that allows it now."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction

from agents.selectors import get_spec
from agents.spec import render
from conversations.database import database_now
from conversations.errors import AlreadySettled, FenceLost, NotAllowed
from conversations.events import EffectDone, EffectUnknown, publish
from conversations.models import Conversation, Effect, Interrupt
from conversations.selectors import conversations_to_lock
from conversations.services.handoffs import want_person
from conversations.services.interrupts import digest
from conversations.services.notices import say
from conversations.services.runs import Claim, is_held

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Status = Effect.Status

# What did not happen leaves its key free for another try.
NOT_DONE = (Status.REFUSED, Status.FAILED)


@dataclass(frozen=True)
class Grant:
    """An approval that allows a write now; its conversation is locked by this transaction."""

    conversation: Conversation
    interrupt: Interrupt

    @property
    def effect(self) -> Effect | None:
        """What it has been used up for."""
        return Effect.objects.filter(interrupt=self.interrupt).first()


def find_grant(claim: Claim, tool: str, args: dict[str, Any], tool_call_id: str) -> Grant | None:
    """Return the approval of exactly this call, in time, by somebody who may, for a run that we hold; else None."""
    # First, so that two that perform at once queue here, and nobody takes the run over in between.
    conversation = conversations_to_lock().get(pk=claim.conversation_id)
    row = Interrupt.objects.filter(run_id=claim.run_id, tool_call_id=tool_call_id).first()
    if row is None or not (
        _is_approved(row)
        and _is_for(row, tool, args)
        and _is_allowed(conversation, row)
        and row.conversation_id == claim.conversation_id
        and is_held(claim)
    ):
        return None
    return Grant(conversation, row)


def _is_approved(row: Interrupt) -> bool:
    """Return whether it was approved in time, by the kind of person that it asked."""
    expected_by = Interrupt.By.SYSTEM if row.approver == "none" else row.approver
    return (
        row.status == Interrupt.Status.APPROVED
        and row.decided_at is not None
        and row.decided_at < row.expires_at
        and row.decided_by == expected_by
        and (row.decided_by == Interrupt.By.STAFF) == (row.decided_by_user_id is not None)
    )


def _is_for(row: Interrupt, tool: str, args: dict[str, Any]) -> bool:
    return row.tool == tool and row.digest == digest(tool, args) == digest(row.tool, row.args)


def _is_allowed(conversation: Conversation, row: Interrupt) -> bool:
    """Return whether the conversation's template lets this kind of approver allow a write of this size."""
    try:
        use = get_spec(conversation.version).agent(row.agent).find_use(row.tool)
    except KeyError:
        return False
    measure = Decimal(row.measure) if row.measure else None
    return use is not None and use.approver_for(measure) == row.approver


def record(grant: Grant, status: str, result: str, *, fence: int) -> Effect:
    """Store the effect of a grant in the transaction of its change, or of the intention to call a foreign system."""
    row = grant.interrupt
    effect = Effect.objects.create(
        interrupt=row,
        conversation=grant.conversation,
        tool=row.tool,
        args=row.args,
        status=status,
        result=result,
        fence=fence,
        created_at=database_now(),
    )
    if status != Status.STARTED:
        # From here on rows of our own say what was done, and refuse what cannot be done again.
        _free_key(effect)
    _follow_up(grant.conversation, effect)
    return effect


def _free_key(effect: Effect) -> None:
    Interrupt.objects.filter(pk=effect.interrupt_id).update(business_key=None)


def take_up(effect: Effect, *, fence: int) -> None:
    """Let this claim of the run repeat a call to a foreign system that knows it by its key."""
    Effect.objects.filter(pk=effect.pk, status=Status.STARTED).update(fence=fence)
    effect.fence = fence


def conclude(effect: Effect, status: str, result: str) -> None:
    """Store the outcome of a call to a foreign system.

    Raises:
        FenceLost: Another process has taken the call up, or has declared its outcome unknown.
    """
    with transaction.atomic():
        conversation = conversations_to_lock().get(pk=effect.conversation_id)
        started = Effect.objects.filter(pk=effect.pk, status=Status.STARTED, fence=effect.fence)
        if started.update(status=status, result=result) != 1:
            raise FenceLost(str(effect.interrupt.run_id))
        effect.status, effect.result = status, result
        if status in NOT_DONE:
            _free_key(effect)
        _follow_up(conversation, effect)


def _follow_up(conversation: Conversation, effect: Effect) -> None:
    """Publish what an effect has come to, and call people if nobody knows."""
    now = database_now()
    about = (str(effect.pk), effect.tool, effect.args)
    if effect.status == Status.DONE:
        publish(conversation, [EffectDone(*about)], now=now)
    elif effect.status == Status.UNKNOWN:
        publish(conversation, [EffectUnknown(*about)], now=now)
        want_person(conversation, "unknown_effect", now=now, run=effect.interrupt.run)


def settle(effect_id: uuid.UUID | str, *, was_done: bool, user: User, note: str = "") -> None:
    """Let staff say what came of an effect of unknown outcome, once, and tell the customer.

    Args:
        effect_id: The effect.
        was_done: What the foreign system says.
        user: A member of staff with the permission `conversations.settle_effect`.
        note: How they know; for staff.

    Raises:
        NotAllowed: They lack the permission.
        AlreadySettled: Its outcome is not, or no more, unknown.
    """
    if not user.has_perm("conversations.settle_effect"):
        raise NotAllowed
    with transaction.atomic():
        effect = Effect.objects.select_related("interrupt").get(pk=effect_id)
        conversation = conversations_to_lock().get(pk=effect.conversation_id)
        now = database_now()
        status = Status.DONE if was_done else Status.FAILED
        changed = Effect.objects.filter(pk=effect.pk, status=Status.UNKNOWN).update(
            status=status, settled_at=now, settled_by=user, settled_note=note
        )
        if changed != 1:
            raise AlreadySettled
        effect.status = status
        text = _what_came_of_it(conversation, effect)
        publish(conversation, [say(conversation, text, now=now, by=user)], now=now)
        if not was_done:
            _free_key(effect)
        _follow_up(conversation, effect)


def _what_came_of_it(conversation: Conversation, effect: Effect) -> str:
    texts = get_spec(conversation.version).texts
    text = texts.was_done if effect.status == Status.DONE else texts.was_not_done
    return render(text, {"what": effect.interrupt.message})
