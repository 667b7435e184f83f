import pytest

from agents.verticals.ecommerce import tools
from agents.verticals.ecommerce.models import Review
from tests.verticals.shop import call, make_context, prepare, refusal_of

pytestmark = pytest.mark.usefixtures("shop")


def test_what_was_delivered_and_not_reviewed_can_be_reviewed():
    names = [row["product"] for row in call(tools.list_reviewable_products)["products"]]
    assert names == ["Enamel mug", "Rain jacket", "Walking backpack"]


def test_a_part_of_the_name_will_do_and_the_whole_name_is_approved():
    proposal = prepare(tools.submit_review, product="mug", rating=1)
    assert proposal.args == {"product": "Enamel mug", "rating": 1, "comment": ""}
    assert "Enamel mug with 1 star of 5 and no text" in proposal.message


def test_a_review_is_published_as_written():
    comment = "Survived the fall from the table."
    assert (
        comment
        in prepare(tools.submit_review, product="Enamel mug", rating=5, comment=comment).message
    )
    call(tools.submit_review, product="enamel MUG", rating=5, comment=comment)
    review = Review.objects.get(customer__ref="ana")
    assert (review.product.sku, review.rating, review.comment) == ("enamel-mug", 5, comment)


def test_a_product_is_reviewed_once():
    call(tools.submit_review, product="Enamel mug", rating=5)
    for run in (prepare, call):
        reason = refusal_of(run, tools.submit_review, product="Enamel mug", rating=1)
        assert "already reviewed" in reason


@pytest.mark.parametrize("product", ["Wool blanket", "Ceramic vase", "Submarine"])
def test_what_was_not_delivered_to_you_is_not_yours_to_review(product):
    for run in (prepare, call):
        reason = refusal_of(run, tools.submit_review, product=product, rating=5)
        assert "You can review: Enamel mug, Rain jacket, Walking backpack." in reason


def test_a_name_that_fits_several_products_is_asked_back():
    reason = refusal_of(prepare, tools.submit_review, product="ck", rating=5)
    assert reason == "Which one do you mean: Rain jacket, Walking backpack?"


def test_stars_go_from_one_to_five():
    for rating in (0, 6, 4.5):
        with pytest.raises(ValueError, match="rating"):
            tools.submit_review.parse({"product": "Enamel mug", "rating": rating})


def test_a_customer_without_deliveries_has_nothing_to_review():
    result = call(tools.list_reviewable_products, make_context("clara"))
    assert "once it has been delivered" in result["summary"]
