"""Every reaction of this app to facts, in one list."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from agents import events as agent_events
from conversations import events as conversation_events
from conversations.events import Fact, FeedbackGiven, PersonWanted
from conversations.models import Conversation
from conversations.services import purge
from conversations.unit import flush
from escalation import alerts, selectors, tasks
from escalation.services import deliveries, handoffs, ratings
from escalation.webhooks.facts import BY_FACT

logger = logging.getLogger(__name__)

# `publish` has just set a conversation's last activity to the time of the fact.


def call_people(conversation: Conversation, fact: PersonWanted) -> None:
    """Open an escalation where a person is wanted."""
    flush()
    handoffs.answer_wish(conversation, fact, now=conversation.last_activity_at)


def keep_rating(conversation: Conversation, fact: FeedbackGiven) -> None:
    flush()
    ratings.keep_rating(conversation, fact, now=conversation.last_activity_at)


def queue_webhooks(conversation: Conversation, fact: Fact) -> None:
    """Write the webhook deliveries that a fact calls for, in its transaction."""
    if fact.name in BY_FACT:
        event_type, rename = BY_FACT[fact.name]
        now = conversation.last_activity_at
        _queue(event_type, rename(fact.payload()), now, conversation)


def queue_template_webhooks(fact: agent_events.TemplatePublished) -> None:
    """Write the deliveries for a published template, in its transaction."""
    event_type, rename = BY_FACT[fact.name]
    _queue(event_type, rename(fact.payload()), timezone.now())


def _queue(
    event_type: str,
    values: Mapping[str, Any],
    now: datetime,
    conversation: Conversation | None = None,
) -> None:
    if deliveries.queue_event(event_type, values, now=now, conversation=conversation):
        transaction.on_commit(lambda: tasks.nudge(), robust=True)


def log_alert(alert: alerts.Alert) -> None:
    """Put an alert into the log, where monitoring finds it; admin shows the rows behind it."""
    logger.error("%s: %s", alert.name, alert.text)


def connect() -> None:
    conversation_events.subscribe(call_people, PersonWanted)
    conversation_events.subscribe(keep_rating, FeedbackGiven)
    conversation_events.subscribe(queue_webhooks, Fact)
    agent_events.subscribe(queue_template_webhooks)
    alerts.subscribe(log_alert)
    purge.keep_while(selectors.open_escalations)
    purge.keep_while(selectors.open_deliveries)
