"""What people are needed for, and whom webhooks tell. Rows, constraints, and questions about one's own row."""

from escalation.models.escalations import CannedReply, Escalation, Note, Rating
from escalation.models.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint

__all__ = [
    "CannedReply",
    "Escalation",
    "Note",
    "Rating",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
]
