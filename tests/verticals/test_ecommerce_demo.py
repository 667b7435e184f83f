import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.urls import reverse

from agents.verticals.ecommerce import demo, tools
from agents.verticals.ecommerce.models import Customer, Order, Product, Review
from tests.verticals.shop import MODELS, call, get_order, make_context, snapshot


@pytest.fixture(autouse=True)
def _loaded(shop):
    pass


@pytest.fixture
def staff(settings, tmp_path, admin_client):
    """A browser of staff. WhiteNoise warns of a folder that only `collectstatic` makes."""
    settings.STATIC_ROOT = tmp_path
    return admin_client


def test_loading_again_changes_nothing():
    before = snapshot()
    demo.load()
    assert snapshot() == before


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_load_at_once_load_it_once():
    for model in (Review, Order, Customer, Product):
        model.objects.all().delete()
    start = threading.Barrier(2)

    def work():
        start.wait()
        try:
            demo.load()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work), pool.submit(work)]:
            done.result()
    assert get_order("1043").lines.count() == 2
    assert get_order("1041").refunds.count() == 1


def test_loading_again_keeps_what_customers_did():
    call(tools.cancel_order, order_number="1043")
    call(tools.update_email, new_email="ana@example.org")
    Product.objects.filter(sku="enamel-mug").update(price="15.90")
    before = snapshot()
    demo.load()
    assert snapshot() == before


def test_loading_again_brings_back_what_is_missing():
    Order.objects.get(number="1043").delete()
    demo.load()
    assert get_order("1043").lines.count() == 2


def test_a_reset_undoes_what_customers_did():
    call(tools.cancel_order, order_number="1043")
    call(tools.refund_order, order_number="1044")
    call(tools.apply_discount, order_number="1045", percent=10)
    call(tools.generate_coupon, percent=10)
    call(tools.update_email, new_email="ana@example.org")
    call(tools.set_newsletter, choice="subscribe")
    call(tools.submit_review, product="Enamel mug", rating=1)
    demo.reset()
    ana = Customer.objects.get(ref="ana")
    assert (ana.email, ana.has_newsletter, ana.coupons.count()) == ("ana@example.com", False, 0)
    assert ana.reviews.count() == 0
    assert get_order("1043").status == Order.Status.PROCESSING
    assert get_order("1044").refunded_amount == 0
    assert str(get_order("1045").total) == "54.80"


def test_a_reset_leaves_other_customers_alone():
    zoe = Customer.objects.create(ref="zoe", name="Zoe", email="zoe@example.com")
    order = Order.objects.create(
        number="3001", customer=zoe, placed_at=make_context().now, shipping_address="x", total=1
    )
    demo.reset()
    assert Order.objects.filter(pk=order.pk).exists()


def test_the_demo_shows_every_state_of_an_order():
    rows = {row.number: row for row in Order.objects.filter(customer__ref="ana")}
    assert {number: row.status for number, row in rows.items()} == {
        "1041": "cancelled",
        "1042": "shipped",
        "1043": "processing",
        "1044": "delivered",
        "1045": "processing",
        "1046": "delivered",
    }
    for row in rows.values():
        goods = sum(line.amount for line in row.lines.all())
        assert row.total == goods + row.delivery_fee - row.discount_amount


@pytest.mark.parametrize("model", MODELS[:3] + MODELS[4:], ids=lambda model: model.__name__)
def test_staff_find_the_rows_in_admin(model, staff):
    name = model._meta.model_name
    response = staff.get(reverse(f"admin:ecommerce_{name}_changelist"))
    assert response.status_code == 200
    row = model.objects.first()
    if row is not None:
        url = reverse(f"admin:ecommerce_{name}_change", args=[row.pk])
        assert staff.get(url).status_code == 200


def test_staff_search_orders_by_customer(staff):
    url = reverse("admin:ecommerce_order_changelist")
    page = staff.get(url, {"q": "Ben", "status__exact": "processing"}).content.decode()
    assert "2001" in page
    assert "1043" not in page
