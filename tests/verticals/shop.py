"""The demo shop for tests: Ana's calls, and Ben's, run as the platform runs them."""

import threading
from datetime import timedelta

from asgiref.sync import async_to_sync
from django.core import serializers
from django.db import connection, transaction
from django.utils import timezone

from agents.tools import Refusal, ToolContext
from agents.verticals.ecommerce import models

MODELS = [
    models.Customer,
    models.Product,
    models.Order,
    models.OrderLine,
    models.ReturnRequest,
    models.Refund,
    models.Coupon,
    models.Review,
    models.DeliveryOption,
    models.HelpArticle,
]


def make_context(customer="ana", *, days_later=0):
    now = timezone.now() + timedelta(days=days_later)
    return ToolContext(customer_id=customer, thread_id="t", run_id="r", now=now)


def call(tool, ctx=None, /, **args):
    """Run a tool: in one transaction, with typed arguments."""
    with transaction.atomic():
        return async_to_sync(tool.function)(ctx or make_context(), **tool.parse(args))


def prepare(tool, ctx=None, /, **args):
    return async_to_sync(tool.prepare)(ctx or make_context(), **tool.parse(args))


def refusal_of(run, *args, **kwargs):
    """Return why it was refused; fail if it was not."""
    try:
        result = run(*args, **kwargs)
    except Refusal as refusal:
        return refusal.reason
    raise AssertionError(f"not refused: {result}")


def at_once(*jobs):
    """Run each (tool, args[, context]) in a thread of its own at the same time; return (results, refusals)."""
    start = threading.Barrier(len(jobs))
    results, refusals, faults = [], [], []

    def work(tool, args, ctx=None):
        try:
            start.wait()
            results.append(call(tool, ctx, **args))
        except Refusal as refusal:
            refusals.append(refusal.reason)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    return results, refusals


def snapshot():
    """Return all rows of the shop as text."""
    return "".join(serializers.serialize("json", model.objects.order_by("pk")) for model in MODELS)


def get_order(number):
    return models.Order.objects.get(number=number)
