"""The demo service for tests: calls of Ana, who owns Acme, and of others, run as the platform runs them."""

from django.core import serializers

from agents.verticals.saas import models
from tests.verticals.shop import at_once, call, make_context, prepare, refusal_of

__all__ = [
    "MODELS",
    "acme",
    "at_once",
    "call",
    "get_invoice",
    "make_context",
    "prepare",
    "refusal_of",
    "snapshot",
]

MODELS = [
    models.Plan,
    models.Workspace,
    models.Member,
    models.Invoice,
    models.InvoiceLine,
    models.Refund,
    models.BalanceEntry,
    models.ApiKey,
    models.Ticket,
    models.Component,
    models.Incident,
    models.HelpArticle,
]


def snapshot():
    """Return all rows of the service as text."""
    return "".join(serializers.serialize("json", model.objects.order_by("pk")) for model in MODELS)


def acme():
    return models.Workspace.objects.get(slug="acme")


def get_invoice(number):
    return models.Invoice.objects.get(number=number)
