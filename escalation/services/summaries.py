"""What a conversation is about, for the person who takes it: by extraction, where no model has said it."""

from __future__ import annotations

from conversations.models import Conversation, Interrupt, Message

MAX_QUOTE = 240
MAX_SUMMARY = 2_000
MAX_WRITES = 5


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
