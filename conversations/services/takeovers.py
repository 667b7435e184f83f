"""A person in the place of the agents. Who may be that person is for others to check."""

from __future__ import annotations

from datetime import datetime

from agents.selectors import get_spec
from conversations.events import (
    HandoffChanged,
    RunEnded,
    StatusChanged,
    ToolEnded,
    publish,
)
from conversations.models import Conversation, Interrupt, Message, Run
from conversations.services.interrupts import withdraw
from conversations.services.notices import say


def hand_over(conversation: Conversation, *, name: str, now: datetime) -> None:
    """Give a locked conversation to a person: from here on no agent speaks, and no message starts a run.

    Args:
        conversation: Locked by this transaction, as it is by whoever would start or store a run.
        name: The person's, as the customer reads it.
        now: Aware UTC time.
    """
    conversation.status = Conversation.Status.HANDED_OFF
    conversation.wants_person = False
    conversation.people_spoke_at = now
    _silence_agents(conversation, now)
    facts = [HandoffChanged("assigned", now.isoformat(), name), StatusChanged(conversation.status)]
    publish(conversation, facts, now=now)


def give_back(conversation: Conversation, *, name: str, now: datetime) -> None:
    """Give a locked conversation back to the agents, who answer what the customer said last, if nobody has."""
    conversation.status = Conversation.Status.OPEN
    facts = [HandoffChanged("released", now.isoformat(), name), StatusChanged(conversation.status)]
    publish(conversation, facts, now=now)
    spoken = conversation.messages.filter(role__in=(Message.Role.CUSTOMER, Message.Role.STAFF))
    last = spoken.order_by("created_at").last()
    if last is not None and last.is_for_person:
        last.is_for_person = False
        # Its own place among the runs: that of the event just published.
        last.run = Run.objects.create(
            conversation=conversation, position=conversation.last_seq, created_at=now, ready_at=now
        )
        last.save(update_fields=["run", "is_for_person"])


def close(conversation: Conversation, *, now: datetime) -> None:
    """Close a locked conversation, and ask how it was."""
    conversation.status = Conversation.Status.CLOSED
    conversation.wants_person = False
    _silence_agents(conversation, now)
    text = get_spec(conversation.version).texts.resolved
    said = say(conversation, text, now=now)
    publish(conversation, [said, StatusChanged(conversation.status)], now=now)


def _silence_agents(conversation: Conversation, now: datetime) -> None:
    """End every run and withdraw what waits. A run that goes on elsewhere has lost its hold: it stores no word."""
    unfinished = list(conversation.runs.filter(status__in=Run.UNFINISHED).order_by("position"))
    ids = [run.pk for run in unfinished]
    Run.objects.filter(pk__in=ids).update(
        status=Run.Status.HANDED_OFF, finished_at=now, lease_expires_at=None
    )
    Message.objects.filter(run__in=ids, role=Message.Role.CUSTOMER).update(is_for_person=True)
    waiting = list(conversation.interrupts.filter(status=Interrupt.Status.PENDING))
    withdraw(conversation, conversation.interrupts.all(), by=Interrupt.By.STAFF, now=now)
    for run in unfinished:
        ended = [
            ToolEnded(row.tool, row.tool_call_id, Interrupt.Status.SUPERSEDED)
            for row in waiting
            if row.run_id == run.pk
        ]
        over = RunEnded(str(run.pk), Run.Status.HANDED_OFF)
        publish(conversation, [*ended, over], now=now, run=run)
