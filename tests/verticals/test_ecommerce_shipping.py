import pytest

from agents.verticals.ecommerce import tools
from agents.verticals.ecommerce.models import Customer, DeliveryOption
from tests.verticals.shop import call, get_order, make_context, prepare, refusal_of

pytestmark = pytest.mark.usefixtures("shop")

NEW = "Am Markt 1, 28195 Bremen, Germany"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("1041", "was cancelled on"),
        ("1042", "on its way with DHL, tracking number 00340434161094042557. It should arrive by"),
        ("1043", "is being packed"),
        ("1044", "was delivered on"),
    ],
)
def test_tracking_tells_where_the_parcel_is(number, words):
    result = call(tools.track_shipment, order_number=number)
    assert words in result["summary"]
    assert result["status"] == get_order(number).status


def test_an_order_that_is_being_packed_gets_another_address():
    proposal = prepare(tools.change_shipping_address, order_number="1043", new_address=NEW)
    assert NEW in proposal.message
    call(tools.change_shipping_address, order_number="1043", new_address=NEW)
    assert get_order("1043").shipping_address == NEW
    assert get_order("1045").shipping_address != NEW
    assert Customer.objects.get(ref="ana").address != NEW


@pytest.mark.parametrize(
    ("number", "address", "words"),
    [
        ("1042", NEW, "00340434161094042557"),
        ("1044", NEW, "no address left to change"),
        ("1041", NEW, "no address left to change"),
        ("1043", "the blue house next door", "looks incomplete"),
        ("1043", "Lindenweg 4, 50667 Cologne, Germany", "already goes to that address"),
    ],
)
def test_an_address_that_cannot_be_changed_says_why(number, address, words):
    for run in (prepare, call):
        tool = tools.change_shipping_address
        assert words in refusal_of(run, tool, order_number=number, new_address=address)


def test_a_saved_address_is_for_future_orders():
    call(tools.save_address, address=f"  {NEW} ")
    assert Customer.objects.get(ref="ana").address == NEW
    assert get_order("1043").shipping_address != NEW
    for run in (prepare, call):
        assert "already saved" in refusal_of(run, tools.save_address, address=NEW)


def test_an_address_typed_as_on_an_envelope_becomes_one_line():
    args = tools.save_address.canonical({"address": "Am Markt 1\n28195 Bremen,\n\nGermany\n"})
    assert args["address"] == NEW
    with pytest.raises(ValueError, match="at most 200 characters"):
        tools.save_address.parse({"address": "1\n" * 90})


def test_delivery_options_are_for_everybody_and_only_those_on_offer():
    DeliveryOption.objects.filter(name="Express delivery").update(is_active=False)
    result = call(tools.delivery_options, make_context(None))
    assert "**Standard delivery**: 4.90 EUR, 3 to 5 working days" in result["summary"]
    assert "Express" not in result["summary"]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("how long is the return period", "Returning something"),
        ("forgot password", "Forgotten password"),
        ("do you accept paypal", "Ways to pay"),
        ("deliver abroad", "Where we deliver"),
        ("broken after a year, warranty", "Warranty"),
    ],
)
def test_help_finds_the_article_that_is_meant(query, title):
    result = call(tools.search_help, make_context(None), query=query)
    assert result["articles"][0]["title"] == title


def test_help_says_when_it_finds_nothing():
    result = call(tools.search_help, query="quantum chromodynamics")
    assert result["articles"] == []
    assert "found nothing" in result["summary"]
