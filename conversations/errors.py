"""What can go wrong in a conversation. `code` and text are the wire's (PROTOCOL, "Errors")."""

from __future__ import annotations


class ConversationsError(Exception):
    """Base of this app's errors; `str()` is what the customer reads."""

    code = "internal_error"
    text = "An error occurred processing your message."
    close_code: int | None = None

    def __init__(self, text: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(text or self.text)
        self.retry_after = retry_after


class MessageTooLarge(ConversationsError):
    code, text = "message_too_large", "Message too large"


class InvalidJson(ConversationsError):
    code, text = "invalid_json", "Invalid JSON"


class MissingThreadId(ConversationsError):
    code, text = "missing_thread_id", "Missing thread_id"


class InvalidThreadId(ConversationsError):
    code, text = "invalid_thread_id", "Invalid thread_id format"


class MissingContent(ConversationsError):
    code, text = "missing_content", "Missing message content"


class InvalidContent(ConversationsError):
    code, text = "invalid_content", "Invalid message content"


class ContentTooLong(ConversationsError):
    code, text = "content_too_long", "Message content too long"


class UnknownType(ConversationsError):
    code, text = "unknown_type", "Unknown message type"


class InvalidField(ConversationsError):
    code = "invalid_field"

    def __init__(self, field: str) -> None:
        super().__init__(f"Invalid {field}")


class SessionExpired(ConversationsError):
    code, text = "session_expired", "Session expired. Please start a new conversation."


class NoPendingInterrupt(ConversationsError):
    code, text = "no_pending_interrupt", "Nothing is waiting for approval"


class NotAllowed(ConversationsError):
    code, text = "not_allowed", "You cannot approve this action"


class InterruptExpired(ConversationsError):
    """Decided too late. On the wire the retry prompt answers this, not an error."""

    code, text = "interrupt_expired", "This has expired. Nothing was changed."

    def __init__(self, frame: dict[str, object]) -> None:
        super().__init__()
        self.frame = frame


class Forbidden(ConversationsError):
    code, text = "forbidden", "Conversation not available"


class InvalidToken(ConversationsError):
    code, text, close_code = "invalid_token", "Invalid token", 4401


class RateLimited(ConversationsError):
    code, text = "rate_limited", "Too many messages. Please wait."


class Flooded(RateLimited):
    close_code = 4429


class BudgetExhausted(ConversationsError):
    code, text = "budget_exhausted", "This conversation has reached its limit."


class Busy(ConversationsError):
    code, text = "busy", "Please wait for the current answer."


class InternalError(ConversationsError):
    pass


class FenceLost(Exception):
    """Another process has taken this run over; whatever this one still holds is void."""


class AlreadySettled(Exception):
    """Staff would say what came of an effect whose outcome is not, or no more, unknown."""

    def __init__(self) -> None:
        super().__init__("The outcome of this is known already.")
