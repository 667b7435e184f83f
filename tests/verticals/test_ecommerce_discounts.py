from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from agents.verticals.ecommerce import tools
from agents.verticals.ecommerce.models import Coupon, Order, Refund
from tests.verticals.shop import call, get_order, make_context, prepare, refusal_of

pytestmark = pytest.mark.usefixtures("shop")


def test_a_discount_lowers_the_total_and_pays_the_difference_back():
    proposal = prepare(tools.apply_discount, order_number="1043", percent=10)
    assert proposal.message == "Take 10 percent off order 1043: 89.90 EUR become 80.91 EUR."
    assert proposal.measures["percent"] == 10
    result = call(tools.apply_discount, order_number="1043", percent=10)
    order = get_order("1043")
    assert (order.total, order.discount_amount) == (Decimal("80.91"), Decimal("8.99"))
    assert Refund.objects.get(order=order).amount == Decimal("8.99")
    assert result["total"] == "80.91"


def test_halves_of_a_cent_are_rounded_up():
    Order.objects.filter(number="1043").update(total="10.10")
    assert call(tools.apply_discount, order_number="1043", percent=5)["saved"] == "0.51"


def test_cancelling_after_a_discount_pays_back_what_is_left():
    call(tools.apply_discount, order_number="1043", percent=10)
    assert call(tools.cancel_order, order_number="1043")["refund_amount"] == "80.91"


@pytest.mark.parametrize(
    ("number", "percent", "words"),
    [
        ("1043", 31, "30 percent at most"),
        ("1042", 10, "coupon for your next one"),
        ("1044", 10, "coupon for your next one"),
        ("1041", 10, "is cancelled"),
    ],
)
def test_a_discount_that_is_not_possible_says_why(number, percent, words):
    for run in (prepare, call):
        tool = tools.apply_discount
        assert words in refusal_of(run, tool, order_number=number, percent=percent)


def test_an_order_gets_one_discount():
    call(tools.apply_discount, order_number="1043", percent=5)
    for run in (prepare, call):
        reason = refusal_of(run, tools.apply_discount, order_number="1043", percent=5)
        assert "already has a discount of 5 percent" in reason


@pytest.mark.parametrize("percent", [0, -10, 101, 2.5, "ten"])
def test_a_percentage_that_makes_no_sense_is_not_accepted(percent):
    with pytest.raises(ValueError, match="percent"):
        tools.apply_discount.parse({"order_number": "1043", "percent": percent})


def test_a_coupon_is_ones_own_and_ends_after_30_days():
    result = call(tools.generate_coupon, percent=15)
    coupon = Coupon.objects.get(code=result["code"])
    assert (coupon.customer.ref, coupon.percent) == ("ana", 15)
    assert coupon.expires_at - coupon.created_at == timedelta(days=30)
    assert result["code"] in call(tools.list_coupons)["summary"]
    assert call(tools.list_coupons, make_context("ben"))["coupons"] == []


def test_a_customer_has_one_unused_coupon_at_a_time():
    code = call(tools.generate_coupon, percent=10)["code"]
    for run in (prepare, call):
        assert code in refusal_of(run, tools.generate_coupon, percent=10)
    Coupon.objects.update(used_at=timezone.now())
    call(tools.generate_coupon, percent=10)


def test_an_expired_coupon_makes_room_for_another():
    call(tools.generate_coupon, percent=10)
    call(tools.generate_coupon, make_context(days_later=31), percent=10)
    assert Coupon.objects.count() == 2


def test_a_coupon_has_a_limit():
    for run in (prepare, call):
        assert "20 percent at most" in refusal_of(run, tools.generate_coupon, percent=21)
