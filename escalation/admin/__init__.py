"""What staff see and do of this app. It shows rows and calls services; it changes nothing by itself."""

from django.contrib import admin

from escalation.admin.webhooks import WebhookDeliveryAdmin, WebhookEndpointAdmin

__all__ = ["WebhookDeliveryAdmin", "WebhookEndpointAdmin"]

admin.site.index_template = "admin/escalation/index.html"
