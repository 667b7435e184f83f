import pytest

from agents.verticals.ecommerce import tools
from agents.verticals.ecommerce.models import Customer
from tests.verticals.shop import call, make_context, prepare, refusal_of

pytestmark = pytest.mark.usefixtures("shop")


def test_the_proposal_shows_the_new_email_and_hides_the_old():
    message = prepare(tools.update_email, new_email="Ana.Keller@example.org").message
    assert message == (
        "Change the email address of your account from a…@example.com to ana.keller@example.org."
    )


def test_the_email_of_ones_own_account_changes():
    call(tools.update_email, new_email="ana.keller@example.org")
    assert Customer.objects.get(ref="ana").email == "ana.keller@example.org"
    assert Customer.objects.get(ref="ben").email == "ben@example.com"


def test_an_address_in_use_is_refused_without_telling_whose_it_is():
    for run in (prepare, call):
        reason = refusal_of(run, tools.update_email, new_email="BEN@example.com")
        assert reason == (
            "That email address cannot be used for your account. Please give another one."
        )


def test_ones_present_email_is_refused():
    for run in (prepare, call):
        reason = refusal_of(run, tools.update_email, new_email="ana@example.com")
        assert "already has that" in reason


@pytest.mark.parametrize("email", ["ana", "ana@", "@example.com", "a b@example.com", "ana@example"])
def test_what_is_no_email_is_not_accepted(email):
    with pytest.raises(ValueError, match="new_email"):
        tools.update_email.parse({"new_email": email})


def test_an_email_that_only_looks_like_one_is_refused():
    for run in (prepare, call):
        reason = refusal_of(run, tools.update_email, new_email="ana@-example-.com")
        assert "not a valid email address" in reason


def test_the_newsletter_can_be_had_and_stopped():
    call(tools.set_newsletter, choice="subscribe")
    assert Customer.objects.get(ref="ana").has_newsletter
    call(tools.set_newsletter, choice="unsubscribe")
    assert not Customer.objects.get(ref="ana").has_newsletter


def test_nobody_is_asked_to_approve_a_newsletter_they_have():
    ben = make_context("ben")
    for run in (prepare, call):
        reason = refusal_of(run, tools.set_newsletter, ben, choice="subscribe")
        assert "already get" in reason
