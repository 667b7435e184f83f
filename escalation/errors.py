"""What can go wrong when people act. `str()` is what staff read."""

from __future__ import annotations


class EscalationError(Exception):
    """Base of this app's errors."""

    code = "escalation_error"


class NotPermitted(EscalationError):
    """The person lacks the permission to act for customers."""

    code = "not_permitted"


class AlreadyTaken(EscalationError):
    """Somebody else has the conversation; the message names them."""

    code = "already_taken"


class NotTaken(EscalationError):
    """The conversation has to be taken over first."""

    code = "not_taken"


class MoveRefused(EscalationError):
    """An escalation cannot go from the one status to the other."""

    code = "move_refused"


class TextInvalid(EscalationError):
    """There is nothing to say, or too much."""

    code = "text_invalid"
