from decimal import Decimal

import pytest
from django.utils import timezone

from agents.verticals.ecommerce import tools
from agents.verticals.ecommerce.models import Order, Refund, ReturnRequest
from tests.verticals.shop import call, get_order, make_context, prepare, refusal_of

pytestmark = pytest.mark.usefixtures("shop")


def test_a_refund_without_an_amount_is_for_all_that_is_left():
    proposal = prepare(tools.refund_order, order_number="1044")
    assert proposal.message == "Refund 114.70 EUR for order 1044, to the way you paid."
    assert proposal.args["amount"] == "114.70"
    assert proposal.measures == {"amount": Decimal("114.70")}


def test_what_was_proposed_can_be_stored_and_performed():
    proposal = prepare(tools.refund_order, order_number="1044", amount=14.9)
    stored = tools.refund_order.canonical(proposal.args)
    assert stored["amount"] == "14.90"
    call(tools.refund_order, **stored)
    assert get_order("1044").refunded_amount == Decimal("14.90")
    assert Refund.objects.get(order__number="1044").amount == Decimal("14.90")


def test_limits_see_all_refunds_of_an_order_together():
    first = prepare(tools.refund_order, order_number="1044", amount="40")
    call(tools.refund_order, **first.args)
    second = prepare(tools.refund_order, order_number="1044", amount="40")
    assert second.measures == {"amount": Decimal("80.00")}
    assert call(tools.refund_order, **second.args)["refundable_left"] == "34.70"


def test_two_refunds_that_were_proposed_side_by_side_are_not_both_paid():
    first = prepare(tools.refund_order, order_number="1044", amount="40")
    second = prepare(tools.refund_order, order_number="1044", amount="40")
    call(tools.refund_order, **first.args)
    assert "in the meantime" in refusal_of(call, tools.refund_order, **second.args)
    assert get_order("1044").refunded_amount == Decimal("40.00")


def test_a_model_cannot_claim_what_was_refunded_before():
    proposal = prepare(tools.refund_order, order_number="1044", refunded_before="40")
    assert proposal.args["refunded_before"] is None


def test_more_than_is_left_is_refused():
    for run in (prepare, call):
        reason = refusal_of(run, tools.refund_order, order_number="1044", amount="114.71")
        assert "At most 114.70 EUR" in reason


def test_what_was_refunded_in_full_is_refused():
    call(tools.refund_order, order_number="1044")
    for number in ("1044", "1041"):
        for run in (prepare, call):
            reason = refusal_of(run, tools.refund_order, order_number=number)
            assert "already been refunded in full" in reason


@pytest.mark.parametrize("amount", ["0", "-5", "NaN", "Infinity", "1.005", "10000.01", "1e9", True])
def test_an_amount_that_makes_no_sense_is_not_accepted(amount):
    with pytest.raises(ValueError, match="amount"):
        tools.refund_order.parse({"order_number": "1044", "amount": amount})


@pytest.mark.parametrize("tool", [tools.refund_order, tools.request_return], ids=lambda t: t.name)
@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("1042", "still on its way"),
        ("1043", "cancel it instead"),
        ("1046", "30 days after delivery"),
    ],
)
def test_only_what_was_delivered_within_30_days_comes_back(tool, number, words):
    for run in (prepare, call):
        assert words in refusal_of(run, tool, order_number=number)


def test_the_last_day_counts_and_the_day_after_does_not():
    delivered = get_order("1044").delivered_at
    Order.objects.filter(number="1044").update(delivered_at=timezone.now())
    prepare(tools.request_return, make_context(days_later=29), order_number="1044")
    late = make_context(days_later=31)
    assert "30 days" in refusal_of(prepare, tools.request_return, late, order_number="1044")
    assert get_order("1044").delivered_at > delivered


def test_a_return_is_registered_once():
    result = call(tools.request_return, order_number="1044", reason="damaged")
    assert result["return_number"] == "R-1044"
    assert ReturnRequest.objects.get().reason == "damaged"
    for run in (prepare, call):
        reason = refusal_of(run, tools.request_return, order_number="1044")
        assert "already registered" in reason


def test_a_cancelled_order_is_not_returned():
    reason = refusal_of(prepare, tools.request_return, order_number="1041")
    assert "was cancelled" in reason


def test_refunds_under_way_and_paid_are_told_apart():
    assert "39.90 EUR for order 1041: on its way" in call(tools.get_refund_status)["summary"]
    Refund.objects.update(paid_at=timezone.now())
    assert "39.90 EUR for order 1041: paid on" in call(tools.get_refund_status)["summary"]


def test_a_registered_return_shows_among_the_refunds():
    call(tools.request_return, order_number="1044")
    result = call(tools.get_refund_status)
    assert result["returns_under_way"] == ["1044"]
    assert "Order 1044: return registered" in result["summary"]


def test_refunds_of_others_do_not_show():
    result = call(tools.get_refund_status, make_context("ben"))
    assert result["refunds"] == []
    assert "no refunds" in result["summary"]
