"""What staff see and do of this app. It shows rows and calls services; it changes nothing by itself."""

from django.contrib import admin

from escalation.admin.conversations import ConversationAdmin
from escalation.admin.queue import CannedReplyAdmin, EscalationAdmin, RatingAdmin
from escalation.admin.webhooks import WebhookDeliveryAdmin, WebhookEndpointAdmin

__all__ = [
    "CannedReplyAdmin",
    "ConversationAdmin",
    "EscalationAdmin",
    "RatingAdmin",
    "WebhookDeliveryAdmin",
    "WebhookEndpointAdmin",
]

admin.site.index_template = "admin/escalation/index.html"
