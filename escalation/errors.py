"""What can go wrong in this app."""

from __future__ import annotations


class EscalationError(Exception):
    """Base of this app's errors; `str()` says what was wrong and what would be right."""

    code = "escalation_error"


class UrlRefused(EscalationError):
    """A webhook's address is not one that this site may call."""

    code = "url_refused"


class AddressRefused(EscalationError):
    """A host's address belongs to a network that is none of the public internet."""

    code = "address_refused"


class SecretUnreadable(EscalationError):
    """A stored secret was encrypted with a key that is no longer set."""

    code = "secret_unreadable"


class RotationUnderway(EscalationError):
    """The secret before the current one is still valid; a second rotation would cut it off."""

    code = "rotation_underway"


class CannotSend(EscalationError):
    """Nothing can be sent now; the text says what to do first."""

    code = "cannot_send"


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
