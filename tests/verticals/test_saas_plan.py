from decimal import Decimal

import pytest
from django.utils import timezone

from agents.verticals.saas import demo, tools
from agents.verticals.saas.models import BalanceEntry, Plan, Workspace
from tests.verticals.cloud import acme, call, make_context, prepare, refusal_of


@pytest.fixture(autouse=True)
def _loaded(db):
    demo.load()


def day(moment):
    return f"{moment.day} {moment:%B %Y}"


def change_of(**fields):
    Workspace.objects.filter(slug="acme").update(**fields)


def test_the_subscription_says_what_is_paid_and_when():
    result = call(tools.get_subscription)
    assert (result["plan"], result["seats"], result["seats_taken"]) == ("Team", 12, 9)
    assert (result["monthly"], result["next_invoice"]) == ("144.00", "144.00")
    assert f"Renews on {day(acme().renews_on)}" in result["summary"]


def test_plans_are_for_everybody_and_cheapest_first():
    result = call(tools.list_plans, make_context(None))
    assert [row["plan"] for row in result["plans"]] == ["Free", "Basic", "Team", "Business"]
    assert "**Team**: 12.00 EUR a seat and month, up to 50 seats." in result["summary"]


def test_an_upgrade_shows_its_proration_and_begins_today():
    proposal = prepare(tools.change_plan, plan="Business")
    assert proposal.message == (
        "Move Acme from Team to Business today: 12 seats at 20.00 EUR instead of 12.00 EUR a month. "
        "For 27 of 30 days of this period, 86.40 EUR are added to the next invoice, of "
        f"{day(acme().renews_on)}."
    )
    assert proposal.measures == {"amount": Decimal("86.40")}
    result = call(tools.change_plan, **proposal.args)
    assert acme().plan.name == "Business"
    assert result["charge"] == "86.40"
    assert call(tools.get_subscription)["next_invoice"] == "326.40"


def test_a_downgrade_waits_for_the_period_to_end_and_costs_nothing():
    change_of(seats=9)
    acme().api_keys.exclude(name="Production").delete()
    proposal = prepare(tools.change_plan, plan="Basic")
    assert "Until then Team stays, and nothing is charged now." in proposal.message
    call(tools.change_plan, plan="Basic")
    assert (acme().plan.name, acme().next_plan.name) == ("Team", "Basic")
    assert not BalanceEntry.objects.filter(invoice=None).exists()
    assert call(tools.get_subscription)["next_invoice"] == "54.00"
    assert "then with plan Basic" in call(tools.get_subscription)["summary"]


def test_naming_the_present_plan_drops_a_planned_change():
    change_of(next_plan=Plan.objects.get(name="Basic"))
    assert "is dropped" in prepare(tools.change_plan, plan="Team").message
    call(tools.change_plan, plan="Team")
    assert acme().next_plan is None


def test_an_upgrade_drops_a_planned_downgrade():
    change_of(next_plan=Plan.objects.get(name="Basic"))
    call(tools.change_plan, plan="Business")
    assert (acme().plan.name, acme().next_plan) == ("Business", None)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ("Team", "already on plan Team"),
        ("Free", "9 members. Please remove 6 of them first"),
        ("Basic", "I can reduce the seats to 10 first"),
    ],
)
def test_a_plan_that_does_not_fit_says_why_and_what_helps(plan, words):
    for run in (prepare, call):
        assert words in refusal_of(run, tools.change_plan, plan=plan)


def test_a_plan_with_too_little_room_for_the_keys_is_refused():
    change_of(seats=9)
    for run in (prepare, call):
        reason = refusal_of(run, tools.change_plan, plan="Basic")
        assert "room for 1 API key, and Acme has 3. Please delete 2" in reason


def test_a_plan_that_costs_more_than_was_agreed_is_refused():
    proposal = prepare(tools.change_plan, plan="Business")
    change_of(seats=20)
    reason = refusal_of(call, tools.change_plan, **proposal.args)
    assert "144.00 EUR instead of 86.40 EUR" in reason
    assert acme().plan.name == "Team"


def test_a_plan_approved_on_the_next_day_costs_a_day_less():
    proposal = prepare(tools.change_plan, plan="Business")
    tomorrow = make_context(days_later=1)
    assert call(tools.change_plan, tomorrow, **proposal.args)["charge"] == "83.20"


def test_after_the_period_there_is_nothing_left_to_prorate():
    assert prepare(tools.change_plan, make_context(days_later=40), plan="Business").measures == {
        "amount": Decimal("0.00")
    }


def test_without_a_valid_card_nothing_is_added():
    ben = make_context("ben")
    for run in (prepare, call):
        for tool, args in (
            (tools.change_plan, {"plan": "Team"}),
            (tools.change_seats, {"seats": 6}),
        ):
            reason = refusal_of(run, tool, ben, **args)
            assert "(Mastercard ending in 1881) has expired" in reason
            assert "Settings > Billing" in reason


def test_more_seats_are_there_at_once_and_prorated():
    proposal = prepare(tools.change_seats, seats=15)
    assert proposal.message == (
        "Raise Acme from 12 to 15 seats today: 180.00 EUR a month. For 27 of 30 days of this "
        f"period, 32.40 EUR are added to the next invoice, of {day(acme().renews_on)}."
    )
    assert proposal.measures == {"seats": 15, "amount": Decimal("32.40")}
    call(tools.change_seats, **proposal.args)
    assert acme().seats == 15
    assert BalanceEntry.objects.get(invoice=None).text == "From 12 to 15 seats"


@pytest.mark.parametrize(
    ("change", "seats", "total"),
    [("add", 3, 15), ("more", 1, 13), ("extra", 2, 14), ("remove", 2, 10), ("fewer", 3, 9)],
)
def test_more_or_fewer_becomes_a_total_that_can_be_done_once(change, seats, total):
    proposal = prepare(tools.change_seats, seats=seats, change=change)
    assert (proposal.args["seats"], proposal.args["change"]) == (total, "total")
    call(tools.change_seats, **proposal.args)
    assert acme().coming_seats == total
    assert "already has" in refusal_of(call, tools.change_seats, **proposal.args)


def test_fewer_seats_wait_for_the_period_to_end():
    assert "The seats that are paid for stay" in prepare(tools.change_seats, seats=10).message
    call(tools.change_seats, seats=10)
    assert (acme().seats, acme().next_seats) == (12, 10)
    assert call(tools.get_subscription)["next_invoice"] == "120.00"


def test_the_present_number_of_seats_drops_a_planned_change():
    change_of(next_seats=10)
    assert "is dropped" in prepare(tools.change_seats, seats=12).message
    call(tools.change_seats, seats=12)
    assert acme().next_seats is None


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"seats": 12}, "already has 12 seats"),
        ({"seats": 8}, "at least 9 seats"),
        ({"seats": 20, "change": "remove"}, "at least 9 seats"),
        ({"seats": 51}, "room for 50 seats at most"),
    ],
)
def test_seats_that_are_not_possible_say_why(args, words):
    for run in (prepare, call):
        assert words in refusal_of(run, tools.change_seats, **args)


def test_seats_must_fit_a_planned_plan_too():
    change_of(seats=9, next_plan=Plan.objects.get(name="Basic"))
    assert "Plan Basic has room for 10" in refusal_of(prepare, tools.change_seats, seats=11)


@pytest.mark.parametrize("seats", [0, -3, 2.5, "many", 10_001])
def test_a_number_of_seats_that_makes_no_sense_is_not_accepted(seats):
    with pytest.raises(ValueError, match="seats"):
        tools.change_seats.parse({"seats": seats})


def test_cancelling_ends_with_the_period_and_names_what_is_still_due():
    message = prepare(tools.cancel_subscription).message
    assert f"at the end of the paid period, on {day(acme().renews_on)}" in message
    assert "INV-2042 (144.00 EUR) still has to be paid." in message
    call(tools.cancel_subscription, reason="too_expensive")
    assert (acme().plan.name, acme().cancel_reason) == ("Team", "too_expensive")
    assert call(tools.get_subscription)["next_invoice"] == "0.00"
    for run in (prepare, call):
        assert "already been cancelled" in refusal_of(run, tools.cancel_subscription)


def test_what_ends_is_not_changed_but_can_be_kept():
    call(tools.cancel_subscription)
    for tool, args in (
        (tools.change_plan, {"plan": "Business"}),
        (tools.change_seats, {"seats": 15}),
    ):
        assert "take the cancellation back first" in refusal_of(prepare, tool, **args)
    assert "Acme renews on" in prepare(tools.resume_subscription).message
    call(tools.resume_subscription)
    assert (acme().cancelled_at, acme().cancel_reason) == (None, "")


def test_there_is_nothing_to_take_back_of_a_running_or_ended_subscription():
    for run in (prepare, call):
        assert "is not cancelled" in refusal_of(run, tools.resume_subscription)
    change_of(cancelled_at=timezone.now())
    later = make_context(days_later=60)
    assert "ended on" in refusal_of(prepare, tools.resume_subscription, later)


def test_a_free_plan_has_nothing_to_cancel():
    change_of(plan=Plan.objects.get(name="Free"))
    for run in (prepare, call):
        assert "no subscription to cancel" in refusal_of(run, tools.cancel_subscription)


def test_only_owners_cancel_and_only_admins_change():
    tom, mia = make_context("tom"), make_context("mia")
    assert "Please ask Ana Keller" in refusal_of(prepare, tools.cancel_subscription, tom)
    prepare(tools.change_seats, tom, seats=15)
    assert "Only an owner or admin of Acme" in refusal_of(
        prepare, tools.change_seats, mia, seats=15
    )
    assert call(tools.get_subscription, mia)["your_role"] == "member"


def test_a_workspace_is_ones_own():
    assert call(tools.get_subscription, make_context("ben"))["workspace"] == "Borealis"
    call(tools.change_seats, seats=20)
    assert Workspace.objects.get(slug="borealis").seats == 4


def test_staff_may_take_a_plan_off_the_market():
    Plan.objects.filter(name="Business").delete()
    assert "not on offer" in refusal_of(prepare, tools.change_plan, plan="Business")
