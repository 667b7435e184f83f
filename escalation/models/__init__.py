"""What people are needed for, what they did, and what they thought of it."""

from escalation.models.escalations import CannedReply, Escalation, Note, Rating

__all__ = ["CannedReply", "Escalation", "Note", "Rating"]
