"""Runs as rows: claimed with lease and fence, paused, finished, recovered.

Every function that writes on behalf of a run takes its Claim, and raises FenceLost when another process
holds the run by now: whatever the caller still has in hand is void then.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial, reduce
from operator import or_

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from agents import fault_points
from agents.context import Handoff, Heard, ProposedWrite
from agents.models import TemplateVersion
from agents.prices import cost_usd
from agents.selectors import get_spec
from agents.spec import ROUTER
from conversations.database import database_now
from conversations.errors import FenceLost
from conversations.events import (
    Clarified,
    Fact,
    MessageSaid,
    RunEnded,
    StatusChanged,
    ToolCalled,
    ToolEnded,
    publish,
)
from conversations.markdown import to_html
from conversations.models import Checkpoint, Conversation, Interrupt, Message, Run, Usage, Visitor
from conversations.services.handoffs import want_person
from conversations.services.interrupts import create_interrupts, withdraw
from conversations.telemetry import LEASE_TAKEOVERS
from conversations.unit import Unit, unit_of_work

# What the end of a run changes of its row.
END_FIELDS = ("status", "finished_at", "lease_expires_at", "error_code")
# So many questions in a row without an answer that helped, and a person is asked.
MAX_CLARIFICATIONS = 3
COUNTED = ("calls", "input_tokens", "output_tokens", "cost_usd")
# Younger ones are most likely being taken up by the process that stored them.
STRANDED_AFTER = timedelta(seconds=2)


@dataclass(frozen=True)
class Claim:
    """A run in one process's hands, until its lease runs out.

    Attributes:
        fence: Grows with each claim; a write under an older one is refused.
        is_paused: The graph stopped at an interrupt, so it is resumed.
        said: Messages that the run has already stored.
        claimed_at: By the database's clock.
        heard: What customer and staff said to each other since the last run that agents answered.
        checkpoint: Where the conversation's graph stands; None where it has not stood anywhere yet.
    """

    run_id: uuid.UUID
    conversation_id: uuid.UUID
    thread_id: str
    fence: int
    text: str
    version: TemplateVersion
    visitor: Visitor
    is_paused: bool
    said: int
    claimed_at: datetime
    heard: list[Heard] = field(default_factory=list)
    checkpoint: bytes | None = None


@dataclass
class Spoken:
    """A message that a run has said and that is stored with the next transaction."""

    id: uuid.UUID
    agent: str
    text: str
    role: str = "agent"
    is_question: bool = False

    def fact(self) -> Fact:
        if self.is_question:
            return Clarified(self.text, str(self.id))
        agent = self.agent if self.role == Message.Role.AGENT else None
        return MessageSaid(str(self.id), self.role, self.text, to_html(self.text), agent)


@dataclass
class Tally:
    """Tokens of one agent and model, not yet stored."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass
class Progress:
    """What a run has produced since its last transaction, in order.

    Attributes:
        error_code: What staff should know although the run went on; "" when there is nothing.
        checkpoint: How far the graph has come, at a pause and at the end; None for no further.
    """

    items: list[Fact | Spoken] = field(default_factory=list)
    usage: dict[tuple[str, str], Tally] = field(default_factory=dict)
    error_code: str = ""
    checkpoint: bytes | None = None

    def take(self) -> Progress:
        taken = Progress(self.items, self.usage, self.error_code)
        self.items, self.usage, self.error_code = [], {}, ""
        return taken

    def take_items(self) -> Progress:
        """Take all but the usage, which can wait for the end or a pause: fewer statements a turn."""
        taken = Progress(self.items)
        self.items = []
        return taken


def claim_next(conversation_id: uuid.UUID) -> Claim | None:
    """Claim the conversation's oldest pending run; None when there is none, or one is active."""
    with unit_of_work() as unit:
        conversation = unit.lock(conversation_id)
        if conversation.status == Conversation.Status.HANDED_OFF:
            return None
        unfinished = unit.unfinished(conversation)
        if not unfinished or any(run.status in Run.ACTIVE for run in unfinished):
            return None
        run = unfinished[0]
        now = unit.now()
        _claim(run, now)
        run.save(update_fields=["status", "fence", "lease_expires_at", "started_at"])
        messages = list(run.messages.order_by("created_at"))
        heard = _heard(conversation, run)
        checkpoint = unit.checkpoint(conversation)
        fault_points.reach("claim.before_commit")
        transaction.on_commit(partial(fault_points.reach, "claim.after_commit"))
    return Claim(
        run_id=run.pk,
        conversation_id=conversation.pk,
        thread_id=conversation.thread_id,
        fence=run.fence,
        text=next(m.content for m in messages if m.role == Message.Role.CUSTOMER),
        version=conversation.version,
        visitor=conversation.visitor,
        is_paused=run.is_paused,
        said=sum(m.role != Message.Role.CUSTOMER for m in messages),
        claimed_at=now,
        heard=heard,
        checkpoint=checkpoint,
    )


def claim_new(unit: Unit, conversation: Conversation, run: Run, text: str) -> Claim:
    """Claim a run that this transaction makes, in a locked conversation that has no other unfinished one."""
    now = unit.now()
    _claim(run, now)
    return Claim(
        run_id=run.pk,
        conversation_id=conversation.pk,
        thread_id=conversation.thread_id,
        fence=run.fence,
        text=text,
        version=conversation.version,
        visitor=conversation.visitor,
        is_paused=False,
        said=0,
        claimed_at=now,
        heard=_heard(conversation, run),
        checkpoint=unit.checkpoint(conversation),
    )


def _claim(run: Run, now: datetime) -> None:
    run.status = Run.Status.RUNNING
    run.fence += 1
    run.lease_expires_at = now + timedelta(seconds=settings.LEASE_SECONDS)
    run.started_at = run.started_at or now


def is_held(claim: Claim) -> bool:
    """Return whether no other process has taken the run over. What is written to rows asks `_hold` for certain."""
    with unit_of_work() as unit:
        return _find_held(unit, claim) is not None


def _heard(conversation: Conversation, run: Run) -> list[Heard]:
    """Return what was said while a person had the conversation, since the last run before this one."""
    if conversation.people_spoke_at is None:
        return []
    said = Message.objects.filter(
        Q(role=Message.Role.STAFF) | Q(is_for_person=True), conversation=run.conversation_id
    )
    answered = (Run.Status.COMPLETED, Run.Status.INTERRUPTED, Run.Status.STOPPED)
    before = Run.objects.filter(conversation=run.conversation_id, position__lt=run.position)
    # What the graph has heard already, of a run that failed or was taken from it, it knows again by its id.
    last = before.filter(status__in=answered).order_by("-position").first()
    if last is not None:
        said = said.filter(created_at__gte=last.created_at)
    return [
        Heard(
            id=str(message.run_id or message.pk),
            text=message.content,
            staff=message.author if message.role == Message.Role.STAFF else None,
        )
        for message in said.order_by("created_at")
    ]


def _hold(unit: Unit, claim: Claim) -> tuple[Conversation, Run, datetime]:
    """Lock a claimed run's rows; raises FenceLost."""
    run = _find_held(unit, claim)
    if run is None:
        raise FenceLost(str(claim.run_id))
    conversation = unit.lock(claim.conversation_id)
    conversation.version, conversation.visitor = claim.version, claim.visitor
    return conversation, run, unit.now()


def _find_held(unit: Unit, claim: Claim) -> Run | None:
    """Lock the conversation; return its run, if this claim still holds it."""
    for run in unit.unfinished(unit.lock(claim.conversation_id)):
        if (run.pk, run.fence, run.status) == (claim.run_id, claim.fence, Run.Status.RUNNING):
            return run
    return None


def _store(
    unit: Unit, conversation: Conversation, run: Run, progress: Progress, now: datetime
) -> list[Fact]:
    """Store messages and usage; return the facts to publish, in order."""
    spoken = [item for item in progress.items if isinstance(item, Spoken)]
    unit.add(
        *(
            Message(
                id=item.id,
                conversation_id=conversation.pk,
                run_id=run.pk,
                role=item.role,
                agent=item.agent,
                content=item.text,
                # Messages of one transaction keep their order.
                created_at=now + timedelta(microseconds=at),
            )
            for at, item in enumerate(spoken)
        )
    )
    if progress.usage:
        _store_usage(unit, conversation, run, progress.usage)
    if progress.checkpoint is not None:
        unit.add(Checkpoint(conversation_id=conversation.pk, content=progress.checkpoint))
    if progress.error_code:
        run.error_code = progress.error_code
        run.save(update_fields=["error_code"])
    facts = [item.fact() if isinstance(item, Spoken) else item for item in progress.items]
    return _without_known(run, facts)


def _without_known(run: Run, facts: list[Fact]) -> list[Fact]:
    """Drop what an earlier process has told of the same tool calls before it died between that and its checkpoint."""
    if run.fence == 1 or not any(isinstance(fact, (ToolCalled, ToolEnded)) for fact in facts):
        return facts
    known = _told_of_calls(run)
    return [fact for fact in facts if (fact.type, getattr(fact, "tool_call_id", "")) not in known]


def _told_of_calls(run: Run) -> dict[tuple[str, str], str]:
    """Return the tools of the calls and results that are stored already, by (type, tool call id)."""
    told = run.events.filter(type__in=(ToolCalled.type, ToolEnded.type)).order_by("seq")
    return {(e.type, e.payload["tool_call_id"]): e.payload["tool"] for e in told}


def _end_calls(run: Run, facts: Sequence[Fact]) -> list[Fact]:
    """Return a result for each call that has none: its process died, and the run was begun anew or has failed."""
    told = _told_of_calls(run)
    for fact in facts:
        if isinstance(fact, (ToolCalled, ToolEnded)):
            told[fact.type, fact.tool_call_id] = fact.tool
    return [
        ToolEnded(tool, call_id, "error")
        for (kind, call_id), tool in told.items()
        if kind == ToolCalled.type and (ToolEnded.type, call_id) not in told
    ]


def _store_usage(
    unit: Unit, conversation: Conversation, run: Run, usage: dict[tuple[str, str], Tally]
) -> None:
    stored = [] if _is_first_time(run) else run.usage.all()
    rows = {(row.agent, row.model): row for row in stored}
    for (agent, model), tally in usage.items():
        cost = cost_usd(model, tally.input_tokens, tally.output_tokens, tally.cached_tokens)
        row = rows.setdefault((agent, model), Usage(run_id=run.pk, agent=agent, model=model))
        row.calls += tally.calls
        row.input_tokens += tally.input_tokens
        row.output_tokens += tally.output_tokens
        row.cost_usd = None if cost is None else (row.cost_usd or Decimal(0)) + cost
        conversation.input_tokens += tally.input_tokens
        conversation.output_tokens += tally.output_tokens
        conversation.cost_usd += cost or Decimal(0)
    counted = [rows[key] for key in usage]
    Usage.objects.bulk_update([row for row in counted if row.pk], COUNTED)
    unit.add(*(row for row in counted if not row.pk))


def _is_first_time(run: Run) -> bool:
    """Return whether nothing of the run's usage is stored: that happens at a pause, and at the end."""
    return run.fence == 1 and not run.is_paused


def record(claim: Claim, progress: Progress) -> None:
    """Store what a run has said and done so far."""
    with unit_of_work() as unit:
        conversation, run, now = _hold(unit, claim)
        publish(conversation, _store(unit, conversation, run, progress, now), now=now, run=run)
        fault_points.reach("record.before_commit")
        transaction.on_commit(partial(fault_points.reach, "record.after_commit"))


def pause(claim: Claim, progress: Progress, waiting: Sequence[ProposedWrite]) -> bool:
    """Store the interrupts at which the graph has durably stopped.

    Returns:
        Whether the run goes on at once, because something of this has been decided already: by the policy, or by
        somebody who was quicker than this transaction.
    """
    with unit_of_work() as unit:
        conversation, run, now = _hold(unit, claim)
        facts = _store(unit, conversation, run, progress, now)
        created = create_interrupts(conversation, run, waiting, now=now)
        fault_points.reach("pause.after_interrupts")
        ids = [write.tool_call_id for write in waiting]
        pending = run.interrupts.filter(tool_call_id__in=ids, status=Interrupt.Status.PENDING)
        pending_count = pending.count()
        goes_on = pending_count < len(waiting)
        if pending_count and conversation.status == Conversation.Status.OPEN:
            conversation.status = Conversation.Status.WAITING
            facts.append(StatusChanged(conversation.status))
        run.is_paused = True
        run.stop_requested = (
            False  # it was for what has been said; what is decided later is another matter
        )
        if not goes_on:
            run.status = Run.Status.WAITING
            run.lease_expires_at = None
        run.save(update_fields=["is_paused", "stop_requested", "status", "lease_expires_at"])
        publish(conversation, [*facts, *created], now=now, run=run)
        fault_points.reach("pause.before_commit")
    fault_points.reach("pause.after_commit")
    return goes_on


def finish(claim: Claim, progress: Progress, outcome: str, handoff: Handoff | None = None) -> bool:
    """Store the rest of a run and its end.

    Args:
        claim: The run.
        progress: What it produced since the last transaction.
        outcome: "completed", "interrupted", "stopped" or "handed_off".
        handoff: What an agent said who asked for a person; None when the router did.

    Returns:
        Whether another run waits. A message that is stored later finds no active run, and wakes its own process.
    """
    with unit_of_work() as unit:
        conversation, run, now = _hold(unit, claim)
        facts = _store(unit, conversation, run, progress, now)
        if run.fence > 1:
            facts += _end_calls(run, facts)
        reason = _find_reason_for_person(unit, run, progress, outcome, handoff)
        if reason is not None:
            publish(conversation, facts, now=now, run=run)
            facts = []
            summary = handoff.summary if handoff else ""
            want_person(conversation, reason, now=now, run=run, summary=summary)
        facts.append(_end(unit, run, progress, outcome, now))
        publish(conversation, facts, now=now, run=run)
        fault_points.reach("finish.before_commit")
        transaction.on_commit(partial(fault_points.reach, "finish.after_commit"))
        return any(one.status == Run.Status.PENDING for one in unit.unfinished(conversation))


def _find_reason_for_person(
    unit: Unit, run: Run, progress: Progress, outcome: str, handoff: Handoff | None
) -> str | None:
    if outcome == Run.Status.HANDED_OFF:
        return "agent" if handoff else "routing"
    if any(isinstance(item, Spoken) and item.is_question for item in progress.items):
        unit.flush()
        last = run.conversation.runs.order_by("-position")[:MAX_CLARIFICATIONS]
        asked = Message.objects.filter(run__in=[one.pk for one in last], agent=ROUTER)
        if asked.values("run").distinct().count() == MAX_CLARIFICATIONS:
            return "clarifications"
    return None


def fail(claim: Claim, progress: Progress, code: str) -> None:
    """End a run that cannot be finished, and say so honestly."""
    with unit_of_work() as unit:
        conversation, run, now = _hold(unit, claim)
        facts = _store(unit, conversation, run, progress, now)
        facts += _end_calls(run, facts)
        facts += _failure(unit, conversation, run, progress, code, now)
        publish(conversation, facts, now=now, run=run)
        if _has_failed_before(run):
            want_person(conversation, "failed", now=now, run=run)


def _has_failed_before(run: Run) -> bool:
    """Return whether the run before this one failed, too: one failure may pass, two are a pattern."""
    before = Run.objects.filter(conversation=run.conversation_id, position__lt=run.position)
    last = before.order_by("-position").first()
    return last is not None and last.status == Run.Status.FAILED


def _failure(
    unit: Unit,
    conversation: Conversation,
    run: Run,
    progress: Progress,
    code: str,
    now: datetime,
) -> list[Fact]:
    withdraw(conversation, run.interrupts.all(), by=Interrupt.By.SYSTEM, now=now)
    text = get_spec(conversation.version).texts.failed
    message = Message(
        conversation=conversation, run=run, role=Message.Role.SYSTEM, content=text, created_at=now
    )
    unit.add(message)
    run.error_code = code
    said = MessageSaid(str(message.pk), Message.Role.SYSTEM, text, to_html(text))
    return [said, _end(unit, run, progress, Run.Status.FAILED, now)]


def _end(unit: Unit, run: Run, progress: Progress, outcome: str, now: datetime) -> RunEnded:
    if run.is_paused:
        # What was approved and is not done by now never will be.
        run.interrupts.filter(business_key__isnull=False, effect=None).update(business_key=None)
    run.status = outcome
    run.finished_at = now
    run.lease_expires_at = None
    unit.change(run, END_FIELDS)
    counted: Collection[Usage | Tally] = progress.usage.values()
    if not _is_first_time(run):
        unit.flush()
        counted = run.usage.all()
    usage = {
        "input_tokens": sum(one.input_tokens for one in counted),
        "output_tokens": sum(one.output_tokens for one in counted),
    }
    return RunEnded(str(run.pk), outcome, usage)


def release(claim: Claim) -> None:
    """Give a run back in good order, so that another process takes it up."""
    Run.objects.filter(pk=claim.run_id, fence=claim.fence, status=Run.Status.RUNNING).update(
        status=Run.Status.PENDING, lease_expires_at=None, ready_at=database_now()
    )


def extend_leases(fences: Mapping[uuid.UUID, int]) -> set[uuid.UUID]:
    """Extend the leases of runs that this process works on.

    Args:
        fences: Run → the fence of this process's claim. One that another process has taken over is left alone.

    Returns:
        Those that have to stop: the customer asked for it, or a person has taken over.
    """
    if not fences:
        return set()
    claims = [Q(pk=run_id, fence=fence) for run_id, fence in fences.items()]
    held = Run.objects.filter(reduce(or_, claims), status=Run.Status.RUNNING)
    with transaction.atomic():
        # What is locked comes to its end just now; gathered transactions lock several, and in another order.
        free = list(held.select_for_update(skip_locked=True).values_list("pk", flat=True))
        until = database_now() + timedelta(seconds=settings.LEASE_SECONDS)
        Run.objects.filter(pk__in=free).update(lease_expires_at=until)
    asked = Q(pk__in=held.filter(stop_requested=True).values("pk"))
    taken = Q(pk__in=list(fences), status=Run.Status.HANDED_OFF)
    return set(Run.objects.filter(asked | taken).values_list("pk", flat=True))


def request_stop(conversation_id: uuid.UUID) -> None:
    """Ask whoever works on the conversation's run to stop."""
    Run.objects.filter(conversation_id=conversation_id, status=Run.Status.RUNNING).update(
        stop_requested=True
    )


def recover(*, limit: int = 200) -> list[uuid.UUID]:
    """Take runs back whose process has died.

    Two at once do no harm. A run that has killed `MAX_RUN_ATTEMPTS` processes is failed.

    Returns:
        Conversations in which a run waits for somebody to take it up.
    """
    now = database_now()
    dead = Run.objects.filter(status=Run.Status.RUNNING, lease_expires_at__lt=now)
    ids = dead.order_by("lease_expires_at").values_list("pk", "conversation_id")[:limit]
    for run_id, conversation_id in list(ids):
        _take_back(run_id, conversation_id)
    active = Run.objects.filter(conversation=OuterRef("conversation"), status__in=Run.ACTIVE)
    # Now anew: what has just been taken back counts as stranded.
    stranded = Run.objects.filter(
        ~Exists(active), status=Run.Status.PENDING, ready_at__lte=database_now() - STRANDED_AFTER
    )
    waiting = stranded.order_by("ready_at").values_list("conversation_id", flat=True)[:limit]
    return list(dict.fromkeys(waiting))


def _take_back(run_id: uuid.UUID, conversation_id: uuid.UUID) -> None:
    with unit_of_work() as unit:
        conversation = unit.lock(conversation_id)
        now = unit.now()
        for run in unit.unfinished(conversation):
            if run.pk == run_id and run.lease_expires_at is not None and run.lease_expires_at < now:
                _try_again(unit, conversation, run, "process_died", now)
                LEASE_TAKEOVERS.inc()


def try_again(claim: Claim, code: str) -> None:
    """Give a run back after a fault of our own, such as a database that went away; too many fail it."""
    with unit_of_work() as unit:
        conversation, run, now = _hold(unit, claim)
        _try_again(unit, conversation, run, code, now)


def _try_again(unit: Unit, conversation: Conversation, run: Run, code: str, now: datetime) -> None:
    run.failed_attempts += 1
    if run.failed_attempts >= settings.MAX_RUN_ATTEMPTS:
        run.save(update_fields=["failed_attempts"])
        facts = _end_calls(run, [])
        facts += _failure(unit, conversation, run, Progress(), code, now)
        publish(conversation, facts, now=now, run=run)
        want_person(conversation, "failed", now=now, run=run)
        return
    run.status = Run.Status.PENDING
    run.lease_expires_at = None
    run.ready_at = now - STRANDED_AFTER  # it has waited long enough
    run.save(update_fields=["failed_attempts", "status", "lease_expires_at", "ready_at"])
