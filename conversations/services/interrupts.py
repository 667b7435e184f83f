"""Interrupts: created from what the graph has durably decided, decided once, expired on time."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from agents import fault_points
from agents.context import ProposedWrite
from agents.selectors import get_spec
from agents.spec import TemplateSpec
from conversations.database import database_now
from conversations.errors import InterruptExpired, NoPendingInterrupt, NotAllowed, SessionExpired
from conversations.events import Fact, StatusChanged, ToolCalled, publish
from conversations.events import InterruptCreated as Created
from conversations.events import InterruptExpired as Expired
from conversations.events import InterruptResolved as Resolved
from conversations.models import Conversation, Event, Interrupt, Receipt, Run
from conversations.selectors import conversations_to_lock
from conversations.services.handoffs import want_person
from conversations.services.sessions import is_over

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Status = Interrupt.Status


def digest(tool: str, args: dict[str, Any]) -> str:
    """Return the SHA-256 of a tool and its canonical arguments: what an approval is for, exactly."""
    text = json.dumps([tool, args], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def show(spec: TemplateSpec, tool: str, args: dict[str, Any]) -> dict[str, Any]:
    """Return a call's arguments less what the template hides."""
    hidden = {
        name
        for agent in spec.agents
        for use in agent.tools
        if use.name == tool
        for name in use.hidden
    }
    return {name: value for name, value in args.items() if name not in hidden}


def create_interrupts(
    conversation: Conversation, run: Run, writes: Sequence[ProposedWrite], *, now: datetime
) -> list[Fact]:
    """Store an interrupt for each write that has none yet, and return the facts to publish.

    A write that nobody needs to approve gets its approval here, from the policy, so that the ledger is complete. One
    whose key another conversation has taken since it was looked at is withdrawn at once.
    """
    known = set(run.interrupts.values_list("tool_call_id", flat=True))
    facts: list[Fact] = []
    for write in writes:
        if write.tool_call_id in known:
            continue
        is_late = write.key is not None and is_in_force(write.key)
        by_policy = write.approver == "none"
        status = Status.APPROVED if by_policy else Status.PENDING
        is_decided = by_policy or is_late
        row = Interrupt.objects.create(
            conversation=conversation,
            run=run,
            agent=write.agent,
            tool=write.tool,
            tool_call_id=write.tool_call_id,
            args=write.args,
            digest=digest(write.tool, write.args),
            measure=write.measure,
            business_key=None if is_late else write.key,
            message=write.message,
            approver=write.approver,
            status=Status.SUPERSEDED if is_late else status,
            created_at=now,
            expires_at=now + timedelta(seconds=settings.INTERRUPT_TTL_SECONDS),
            decided_at=now if is_decided else None,
            decided_by=Interrupt.By.SYSTEM if is_decided else "",
        )
        shown = show(get_spec(conversation.version), write.tool, write.args)
        facts.append(ToolCalled(write.agent, write.tool, shown, write.tool_call_id))
        if not is_decided:
            facts.append(_created(row, shown))
    return facts


def is_in_force(key: str) -> bool:
    """Return whether a write holds this key."""
    rows = (model.objects.filter(business_key=key) for model in (Interrupt, Receipt))
    return any(found.exists() for found in rows)


def _created(row: Interrupt, shown: dict[str, Any]) -> Created:
    return Created(
        interrupt_id=str(row.id),
        action=row.tool,
        params=shown,
        message=row.message,
        approver=row.approver,
        expires_at=row.expires_at.isoformat(),
        tool_call_id=row.tool_call_id,
    )


@dataclass(frozen=True)
class _Deciding:
    """An interrupt about to be decided: its rows are locked by this transaction."""

    conversation: Conversation
    row: Interrupt
    now: datetime


def _lock(row: Interrupt) -> _Deciding:
    conversation = conversations_to_lock().get(pk=row.conversation_id)
    row.refresh_from_db()
    return _Deciding(conversation, row, database_now())


def decide(
    interrupt_id: uuid.UUID | str,
    *,
    approved: bool,
    by: str,
    user: User | None = None,
    comment: str = "",
) -> None:
    """Approve or reject what waits, once; the run that resumes is queued in the same transaction.

    Args:
        interrupt_id: The interrupt.
        approved: Whether it may be done.
        by: "customer" or "staff".
        user: The member of staff, who needs the permission `conversations.decide_interrupt`.
        comment: Why.

    Raises:
        NoPendingInterrupt: Unknown, or decided already.
        NotAllowed: It waits for somebody else, or this member of staff may not decide.
        InterruptExpired: Too late; it holds the retry prompt.
    """
    with transaction.atomic():
        row = Interrupt.objects.filter(pk=interrupt_id).first()
        if row is None:
            raise NoPendingInterrupt
        deciding = _lock(row)
        if deciding.row.approver != by or not _may_decide(by, user):
            raise NotAllowed
        outcome = Status.APPROVED if approved else Status.REJECTED
        fault_points.reach("decide.before_update")
        has_won = settle(
            deciding.conversation,
            deciding.row,
            outcome,
            by=by,
            user=user,
            comment=comment,
            now=deciding.now,
        )
        if not has_won:
            expire(deciding.conversation, deciding.row, now=deciding.now)
        fault_points.reach("decide.before_commit")
    fault_points.reach("decide.after_commit")
    if not has_won:
        raise _too_late(row)


def _may_decide(by: str, user: User | None) -> bool:
    return by != "staff" or (user is not None and user.has_perm("conversations.decide_interrupt"))


def answer(
    conversation: Conversation, *, interrupt_id: str | None, approved: bool, comment: str = ""
) -> None:
    """Let the customer answer what waits in their conversation.

    Args:
        conversation: Theirs.
        interrupt_id: Which; None is valid only while exactly one is pending.
        approved: Whether it may be done.
        comment: Why.

    Raises:
        As `decide`, and SessionExpired.
    """
    row = _find_answered(conversation, interrupt_id)
    if row is None or row.status not in (Status.PENDING, Status.EXPIRED):
        if is_over(conversation.pk):
            raise SessionExpired
        raise NoPendingInterrupt
    decide(row.pk, approved=approved, by="customer", comment=comment)


def _find_answered(conversation: Conversation, interrupt_id: str | None) -> Interrupt | None:
    rows = conversation.interrupts.exclude(approver=Interrupt.Approver.NONE)
    if interrupt_id is not None:
        with suppress(ValueError):
            return rows.filter(pk=uuid.UUID(interrupt_id)).first()
        return None
    pending = list(rows.filter(status=Status.PENDING)[:2])
    if pending:
        return pending[0] if len(pending) == 1 else None
    # None waits. If the last one has just run out, that is what was meant.
    last = rows.order_by("created_at").last()
    return last if last is not None and last.status == Status.EXPIRED else None


def _too_late(row: Interrupt) -> NoPendingInterrupt | InterruptExpired:
    row.refresh_from_db(fields=["status"])
    if row.status == Status.EXPIRED:
        return InterruptExpired(retry_prompt(row))
    return NoPendingInterrupt()


def settle(
    conversation: Conversation,
    row: Interrupt,
    outcome: str,
    *,
    by: str,
    now: datetime,
    user: User | None = None,
    comment: str = "",
) -> bool:
    """Resolve one pending, unexpired interrupt, and queue the run that goes on. Returns whether this call won."""
    changed = Interrupt.objects.filter(pk=row.pk, status=Status.PENDING, expires_at__gt=now).update(
        status=outcome,
        business_key=row.business_key if outcome == Status.APPROVED else None,
        decided_at=now,
        decided_by=by,
        decided_by_user=user,
        comment=comment,
    )
    if changed != 1:
        return False
    fault_points.reach("decide.after_update")
    _resolved(conversation, row, [Resolved(str(row.pk), outcome, by)], now=now)
    return True


def expire(conversation: Conversation, row: Interrupt, *, now: datetime) -> bool:
    """Expire one pending interrupt that is due: the mirror image of `settle`. Returns whether this call won."""
    changed = Interrupt.objects.filter(
        pk=row.pk, status=Status.PENDING, expires_at__lte=now
    ).update(
        status=Status.EXPIRED, decided_at=now, decided_by=Interrupt.By.SYSTEM, business_key=None
    )
    if changed != 1:
        return False
    fault_points.reach("expire.after_update")
    facts = [
        Resolved(str(row.pk), Status.EXPIRED, Interrupt.By.SYSTEM),
        _retry_fact(conversation, row),
    ]
    _resolved(conversation, row, facts, now=now)
    if row.approver == Interrupt.Approver.STAFF:
        run = Run.objects.get(pk=row.run_id)
        want_person(conversation, "staff_approval_expired", now=now, run=run)
    return True


def withdraw(
    conversation: Conversation, rows: QuerySet[Interrupt], *, by: str, now: datetime
) -> None:
    """Supersede what still waits; what is due already expires."""
    for row in rows.filter(status=Status.PENDING):
        if not settle(conversation, row, Status.SUPERSEDED, by=by, now=now):
            expire(conversation, row, now=now)


def _retry_fact(conversation: Conversation, row: Interrupt) -> Expired:
    spec = get_spec(conversation.version)
    return Expired(
        interrupt_id=str(row.pk),
        action=row.tool,
        params=show(spec, row.tool, row.args),
        message=spec.texts.expired,
    )


def _resolved(
    conversation: Conversation, row: Interrupt, facts: list[Fact], *, now: datetime
) -> None:
    """Publish, and wake the run: it goes on with what has been decided, also while other writes still wait."""
    run = Run.objects.get(pk=row.run_id)
    Run.objects.filter(pk=row.run_id, status=Run.Status.WAITING).update(
        status=Run.Status.PENDING, ready_at=now
    )
    if conversation.status == Conversation.Status.WAITING and not _has_pending(conversation):
        conversation.status = Conversation.Status.OPEN
        facts = [*facts, StatusChanged(conversation.status)]
    publish(conversation, facts, now=now, run=run)


def _has_pending(conversation: Conversation) -> bool:
    return conversation.interrupts.filter(status=Status.PENDING).exists()


def retry_prompt(row: Interrupt) -> dict[str, Any]:
    """Return the frame of the retry prompt that was stored when this interrupt expired."""
    event = Event.objects.get(
        conversation_id=row.conversation_id,
        type=Expired.type,
        payload__interrupt_id=str(row.pk),
    )
    thread_id = Conversation.objects.values_list("thread_id", flat=True).get(pk=row.conversation_id)
    return {"type": event.type, "thread_id": thread_id, "seq": event.seq, **event.payload}


def expire_due(*, limit: int = 200) -> int:
    """Expire every interrupt that is due. Two at once do no harm. Returns how many this call expired."""
    due = Interrupt.objects.filter(status=Status.PENDING, expires_at__lte=database_now())
    count = 0
    for row in due.order_by("expires_at")[:limit]:
        with transaction.atomic():
            deciding = _lock(row)
            count += expire(deciding.conversation, deciding.row, now=deciding.now)
            fault_points.reach("expire.before_commit")
        fault_points.reach("expire.after_commit")
    return count
