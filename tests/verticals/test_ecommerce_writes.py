"""What is true of every write of the shop, and of its rows."""

import json
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from agents.tools import SupportTool
from agents.verticals.ecommerce import tools
from agents.verticals.ecommerce.models import (
    Coupon,
    Customer,
    Order,
    Product,
    Refund,
    ReturnRequest,
    Review,
)
from tests.verticals.shop import (
    at_once,
    call,
    get_order,
    make_context,
    prepare,
    refusal_of,
    snapshot,
)

WRITES = [
    (tools.cancel_order, {"order_number": "1043"}),
    (
        tools.change_shipping_address,
        {"order_number": "1043", "new_address": "Am Markt 1, 28195 Bremen, Germany"},
    ),
    (tools.request_return, {"order_number": "1044", "reason": "changed_mind"}),
    (tools.refund_order, {"order_number": "1044"}),
    (tools.apply_discount, {"order_number": "1043", "percent": 10}),
    (tools.generate_coupon, {"percent": 10}),
    (tools.update_email, {"new_email": "ana@example.org"}),
    (tools.save_address, {"address": "Am Markt 1, 28195 Bremen, Germany"}),
    (tools.set_newsletter, {"choice": "subscribe"}),
    (tools.submit_review, {"product": "Enamel mug", "rating": 4}),
]
IDS = [tool.name for tool, _ in WRITES]


def test_the_table_names_every_write():
    offered = {getattr(tools, name) for name in tools.__all__}
    assert all(isinstance(tool, SupportTool) for tool in offered)
    assert {tool.name for tool in offered if tool.is_write} == set(IDS)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("tool", "args"), WRITES, ids=IDS)
def test_preparing_changes_nothing(tool, args):
    before = snapshot()
    prepare(tool, **args)
    assert snapshot() == before


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("tool", "args"), WRITES, ids=IDS)
def test_a_proposal_is_plain_and_can_be_performed_once(tool, args):
    proposal = prepare(tool, **args)
    stored = tool.canonical(proposal.args or args)
    assert json.loads(json.dumps(stored)) == stored
    result = call(tool, **stored)
    assert json.loads(json.dumps(result)) == result
    assert result["summary"].endswith((".", "!"))
    refusal_of(call, tool, **stored)
    refusal_of(prepare, tool, **args)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("tool", "args"), WRITES, ids=IDS)
def test_of_two_at_once_one_is_done_and_the_other_refused(tool, args, shop):
    results, refusals = at_once((tool, args), (tool, args))
    assert (len(results), len(refusals)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_an_order_cancelled_and_discounted_at_once_pays_back_its_price_and_no_more(shop):
    at_once(
        (tools.cancel_order, {"order_number": "1043"}),
        (tools.apply_discount, {"order_number": "1043", "percent": 10}),
    )
    paid = sum(refund.amount for refund in Refund.objects.filter(order__number="1043"))
    assert paid == Decimal("89.90")
    assert get_order("1043").status == Order.Status.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_an_email_that_two_want_at_once_goes_to_one(shop):
    wanted = {"new_email": "new@example.com"}
    results, refusals = at_once(
        (tools.update_email, wanted), (tools.update_email, wanted, make_context("ben"))
    )
    assert (len(results), len(refusals)) == (1, 1)
    assert "cannot be used" in refusals[0]


@pytest.mark.usefixtures("shop")
def test_a_refusal_undoes_what_was_done_before_it():
    before = snapshot()

    def refund_and_cancel():
        with transaction.atomic():
            call(tools.refund_order, order_number="1044")
            call(tools.cancel_order, order_number="1042")

    refusal_of(refund_and_cancel)
    assert snapshot() == before


def _ana():
    return Customer.objects.get(ref="ana")


def _twice_reviewed():
    for rating in (1, 5):
        Review.objects.create(
            customer=_ana(),
            product=Product.objects.get(sku="enamel-mug"),
            rating=rating,
            created_at=timezone.now(),
        )


def _twice_returned():
    for _ in range(2):
        ReturnRequest.objects.create(order=get_order("1044"), requested_at=timezone.now())


def _coupon_of(percent):
    now = timezone.now()
    Coupon.objects.create(
        code="X", customer=_ana(), percent=percent, created_at=now, expires_at=now
    )


BROKEN = {
    "refunded more than paid": lambda: Order.objects.filter(number="1044").update(
        refunded_amount="114.71"
    ),
    "refunded less than nothing": lambda: Order.objects.filter(number="1044").update(
        refunded_amount="-1"
    ),
    "an unknown state": lambda: Order.objects.filter(number="1044").update(status="lost"),
    "delivered at no time": lambda: Order.objects.filter(number="1043").update(status="delivered"),
    "more than everything off": lambda: Order.objects.filter(number="1043").update(
        discount_percent=101
    ),
    "a refund of nothing": lambda: Refund.objects.create(
        order=get_order("1044"), amount=0, created_at=timezone.now()
    ),
    "a coupon for nothing": lambda: _coupon_of(0),
    "a coupon for too much": lambda: _coupon_of(101),
    "two reviews of one product": _twice_reviewed,
    "two open returns": _twice_returned,
    "one email twice": lambda: Customer.objects.create(
        ref="imposter", name="Ana", email="ANA@example.com"
    ),
    "one order number twice": lambda: Order.objects.filter(number="1043").update(number="2001"),
}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("how", BROKEN)
def test_the_database_refuses(how):
    with pytest.raises(IntegrityError), transaction.atomic():
        BROKEN[how]()
