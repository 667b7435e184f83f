"""Every reaction of this app to facts, in one list."""

from __future__ import annotations

from conversations.events import Fact, FeedbackGiven, PersonWanted, subscribe
from conversations.models import Conversation
from escalation.services import handoffs, ratings

# `publish` has just set a conversation's last activity to the time of the fact.


def call_people(conversation: Conversation, fact: Fact) -> None:
    """Open an escalation where a person is wanted."""
    if isinstance(fact, PersonWanted):
        handoffs.answer_wish(conversation, fact, now=conversation.last_activity_at)


def keep_rating(conversation: Conversation, fact: Fact) -> None:
    if isinstance(fact, FeedbackGiven):
        ratings.keep_rating(conversation, fact, now=conversation.last_activity_at)


def connect() -> None:
    subscribe(call_people)
    subscribe(keep_rating)
