"""What staff see and do of this app. It shows rows and calls services; it changes nothing by itself."""

from escalation.admin.conversations import ConversationAdmin
from escalation.admin.queue import CannedReplyAdmin, EscalationAdmin, RatingAdmin

__all__ = ["CannedReplyAdmin", "ConversationAdmin", "EscalationAdmin", "RatingAdmin"]
