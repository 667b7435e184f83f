"""Endpoints, deliveries and attempts. Rows, constraints, and questions about one's own row."""

from escalation.models.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint

__all__ = ["WebhookAttempt", "WebhookDelivery", "WebhookEndpoint"]
