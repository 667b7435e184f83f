from decimal import Decimal

import pytest

from agents.verticals.ecommerce import tools
from agents.verticals.ecommerce.models import Customer, Order, Refund
from tests.verticals.shop import call, get_order, make_context, prepare, refusal_of

pytestmark = pytest.mark.usefixtures("shop")

ON_AN_ORDER = [
    (tools.get_order, {}),
    (tools.track_shipment, {}),
    (tools.get_invoice, {}),
    (tools.cancel_order, {}),
    (tools.change_shipping_address, {"new_address": "Am Markt 1, 28195 Bremen, Germany"}),
    (tools.request_return, {}),
    (tools.refund_order, {}),
    (tools.apply_discount, {"percent": 10}),
]
IDS = [tool.name for tool, _ in ON_AN_ORDER]


@pytest.mark.parametrize(("tool", "args"), ON_AN_ORDER, ids=IDS)
def test_an_order_of_somebody_else_reads_as_one_that_does_not_exist(tool, args):
    runs = [call, prepare] if tool.is_write else [call]
    for run in runs:
        foreign = refusal_of(run, tool, order_number="2001", **args)
        missing = refusal_of(run, tool, order_number="2999", **args)
        assert foreign.replace("2001", "2999") == missing


@pytest.mark.parametrize(("tool", "args"), ON_AN_ORDER, ids=IDS)
def test_somebody_who_is_not_signed_in_is_asked_to_sign_in(tool, args):
    nobody = make_context(None)
    assert "sign in" in refusal_of(call, tool, nobody, order_number="1043", **args)


@pytest.mark.parametrize("number", ["", "12", "1043; drop", "1043\n", "12345678901", "#1043"])
def test_what_is_no_order_number_is_not_accepted(number):
    with pytest.raises(ValueError, match="order_number"):
        tools.get_order.parse({"order_number": number})


def test_an_order_number_may_be_written_as_a_number():
    assert tools.get_order.canonical({"order_number": 1043}) == {"order_number": "1043"}


def test_orders_are_listed_newest_first_and_only_ones_own():
    result = call(tools.list_orders)
    numbers = [row["order_number"] for row in result["orders"]]
    assert numbers == ["1045", "1043", "1042", "1041", "1044", "1046"]
    assert result["count"] == 6
    assert "**1042** (Wool blanket): shipped" in result["summary"]


def test_orders_can_be_listed_by_state():
    result = call(tools.list_orders, status="delivered")
    assert [row["order_number"] for row in result["orders"]] == ["1044", "1046"]


def test_each_listed_order_says_what_can_be_done_with_it():
    rows = {row["order_number"]: row for row in call(tools.list_orders)["orders"]}
    can = {
        key: [number for number, row in rows.items() if row[key] == "yes"]
        for key in ("can_cancel", "can_return", "can_refund")
    }
    assert can == {
        "can_cancel": ["1045", "1043"],
        "can_return": ["1044"],
        "can_refund": ["1044"],
    }


def test_a_customer_without_orders_is_told_so():
    result = call(tools.list_orders, make_context("clara"))
    assert result["summary"] == "You have no orders yet."


def test_a_customer_whom_the_shop_does_not_know_is_refused():
    assert "cannot find your customer account" in refusal_of(
        call, tools.list_orders, make_context("zoe")
    )


def test_an_order_shows_its_items_and_what_is_left_to_refund():
    result = call(tools.get_order, order_number="1044")
    assert result["goods"][1] == {
        "name": "Enamel mug",
        "quantity": 2,
        "unit_price": "14.90",
        "amount": "29.80",
    }
    assert (result["total"], result["refundable"]) == ("114.70", "114.70")
    assert "- 2 x Enamel mug: 29.80 EUR" in result["summary"]


def test_cancelling_says_beforehand_what_comes_back():
    proposal = prepare(tools.cancel_order, order_number="1043")
    assert proposal.message == (
        "Cancel order 1043 (2 items, 89.90 EUR). The full amount goes back to the way you paid."
    )
    assert get_order("1043").status == Order.Status.PROCESSING


def test_cancelling_pays_everything_back():
    result = call(tools.cancel_order, order_number="1043")
    order = get_order("1043")
    assert (order.status, order.refunded_amount) == (Order.Status.CANCELLED, order.total)
    assert order.cancelled_at is not None
    assert Refund.objects.get(order=order).amount == Decimal("89.90")
    assert result["refund_amount"] == "89.90"


@pytest.mark.parametrize(
    ("number", "why", "instead"),
    [
        ("1041", "already been cancelled", ""),
        ("1042", "already been shipped", "return it within 30 days"),
        ("1044", "was delivered on", "return it within 30 days"),
    ],
)
def test_what_cannot_be_cancelled_says_why_and_what_can_be_done(number, why, instead):
    for run in (prepare, call):
        reason = refusal_of(run, tools.cancel_order, order_number=number)
        assert why in reason
        assert instead in reason


def test_an_order_that_was_shipped_after_the_proposal_is_not_cancelled():
    prepare(tools.cancel_order, order_number="1043")
    Order.objects.filter(number="1043").update(status=Order.Status.SHIPPED)
    assert "already been shipped" in refusal_of(call, tools.cancel_order, order_number="1043")
    assert not Refund.objects.filter(order__number="1043").exists()


def test_an_invoice_adds_up():
    result = call(tools.get_invoice, order_number="1042")
    assert (result["subtotal"], result["total"], result["vat"]) == ("59.00", "63.90", "10.65")
    assert "Invoice INV-1042" in result["summary"]
    assert "Delivery: 4.90 EUR" in result["summary"]


def test_an_invoice_shows_discount_and_refunds():
    call(tools.apply_discount, order_number="1043", percent=10)
    call(tools.cancel_order, order_number="1043")
    summary = call(tools.get_invoice, order_number="1043")["summary"]
    assert "Discount of 10 percent: -8.99 EUR" in summary
    assert "Paid back: 80.91 EUR" in summary


def test_what_customers_own_is_not_lost_with_their_row():
    with pytest.raises(Exception, match=r"[Pp]rotected"):
        Customer.objects.get(ref="ana").delete()
