"""The demo bank for tests: Ana's calls, and Ben's, run as the platform runs them."""

from django.core import serializers

from agents.verticals.fintech import models
from tests.verticals.shop import at_once, call, make_context, prepare, refusal_of

__all__ = [
    "MODELS",
    "at_once",
    "balance",
    "call",
    "get_card",
    "get_transaction",
    "get_transfer",
    "make_context",
    "prepare",
    "refusal_of",
    "snapshot",
]

MODELS = [
    models.Customer,
    models.Account,
    models.Card,
    models.Transaction,
    models.Dispute,
    models.Transfer,
    models.TopUp,
    models.ExchangeRate,
    models.HelpArticle,
]


def snapshot():
    """Return all rows of the bank as text."""
    return "".join(serializers.serialize("json", model.objects.order_by("pk")) for model in MODELS)


def get_card(ending, customer="ana"):
    return models.Card.objects.get(customer__ref=customer, ending=ending)


def get_transaction(reference):
    return models.Transaction.objects.get(reference=reference)


def get_transfer(reference):
    return models.Transfer.objects.get(reference=reference)


def balance(customer="ana"):
    return models.Account.objects.get(customer__ref=customer).balance
