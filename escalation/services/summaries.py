"""What a conversation is about, for the person who takes it: at once by extraction, then in a model's words."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from agents.selectors import get_spec
from agents.spec import TemplateSpec
from conversations.models import Conversation, Interrupt, Message
from escalation.models import Escalation

MAX_QUOTE = 240
MAX_SUMMARY = 2_000
MAX_WRITES = 5
MAX_MESSAGES = 60


@dataclass(frozen=True)
class Unsummarised:
    """An escalation that a model is to put into words: `said` is (who, text), in order."""

    escalation_id: uuid.UUID
    spec: TemplateSpec
    said: list[tuple[str, str]]


def claim_unsummarised() -> Unsummarised | None:
    """Return an escalation whose summary is due, for one try: if that fails, what was extracted stands."""
    due = Escalation.objects.filter(is_summary_due=True)
    for row in due.select_related("conversation__version").order_by("created_at")[:10]:
        if due.filter(pk=row.pk).update(is_summary_due=False) == 1:
            newest = row.conversation.messages.order_by("-created_at")[:MAX_MESSAGES]
            said = [(m.author or m.agent or m.role, m.content) for m in reversed(newest)]
            said += [("system", line) for line in _writes(row.conversation)]
            return Unsummarised(row.pk, get_spec(row.conversation.version), said)
    return None


def keep_summary(escalation_id: uuid.UUID, summary: str) -> None:
    """Put a model's words in the place of what was extracted, and keep that below them."""
    row = Escalation.objects.get(pk=escalation_id)
    text = f"{summary}\n\n{row.summary}"[: 2 * MAX_SUMMARY]
    Escalation.objects.filter(pk=escalation_id).update(summary=text)


def extract_summary(conversation: Conversation, said: str = "") -> str:
    """Return what the customer asked first and last, what was done, and what was left undone.

    Args:
        conversation: What it is about.
        said: Why a person is wanted, in the words of whoever asks.
    """
    parts = [said.strip(), *_requests(conversation), *_writes(conversation)]
    return "\n".join(part for part in parts if part)[:MAX_SUMMARY]


def _requests(conversation: Conversation) -> list[str]:
    texts = list(
        conversation.messages.filter(role=Message.Role.CUSTOMER)
        .order_by("created_at")
        .values_list("content", flat=True)
    )
    if not texts:
        return ["The customer has not written anything yet."]
    lines = [f"First: {_quote(texts[0])}"]
    if len(texts) > 1:
        lines.append(f"Last of {len(texts)} messages: {_quote(texts[-1])}")
    return lines


def _writes(conversation: Conversation) -> list[str]:
    rows = conversation.interrupts.select_related("effect").order_by("-created_at")[:MAX_WRITES]
    return [f"{_outcome(row)}: {row.message}" for row in reversed(rows)]


def _outcome(row: Interrupt) -> str:
    effect = getattr(row, "effect", None)
    if effect is not None:
        return str(effect.get_status_display()).capitalize()
    return f"Not done ({row.get_status_display().lower()})"


def _quote(text: str) -> str:
    text = " ".join(text.split())
    return f"“{text}”" if len(text) <= MAX_QUOTE else f"“{text[: MAX_QUOTE - 1]}…”"
