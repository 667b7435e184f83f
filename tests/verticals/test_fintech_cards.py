import pytest

from agents.verticals.fintech import tools
from agents.verticals.fintech.models import Card
from tests.verticals.bank import call, get_card, make_context, prepare, refusal_of

pytestmark = pytest.mark.usefixtures("bank")

ON_A_CARD = [
    tools.check_card,
    tools.freeze_card,
    tools.unfreeze_card,
    tools.replace_card,
    tools.report_lost_card,
]


@pytest.mark.parametrize("tool", ON_A_CARD, ids=lambda tool: tool.name)
def test_a_card_of_somebody_else_reads_as_one_that_does_not_exist(tool):
    for run in [call, prepare] if tool.is_write else [call]:
        foreign = refusal_of(run, tool, card_ending="5310")
        missing = refusal_of(run, tool, card_ending="5999")
        assert foreign.replace("5310", "5999") == missing


@pytest.mark.parametrize("tool", ON_A_CARD, ids=lambda tool: tool.name)
def test_somebody_who_is_not_signed_in_is_asked_to_sign_in(tool):
    assert "sign in" in refusal_of(call, tool, make_context(None), card_ending="4242")


@pytest.mark.parametrize("ending", ["", "42", "42424", "4242 4242 4242 4242", "42a2", "4242\n"])
def test_what_is_no_four_digits_is_not_accepted(ending):
    with pytest.raises(ValueError, match="card_ending"):
        tools.freeze_card.parse({"card_ending": ending})


def test_a_bank_has_no_place_for_a_whole_number_or_a_pin():
    fields = {field.name for field in Card._meta.fields}
    assert not {"number", "pan", "pin", "cvc"} & fields
    assert Card._meta.get_field("ending").max_length == 4


def test_cards_are_listed_with_their_states_the_cancelled_last():
    result = call(tools.list_cards)
    assert [(row["card_ending"], row["status"]) for row in result["cards"]] == [
        ("4242", "active"),
        ("1881", "frozen"),
        ("7316", "ordered"),
        ("9050", "cancelled"),
    ]
    assert "**••4242** (Visa, physical): active" in result["summary"]
    assert "blocked for good (lost)" in result["summary"]


def test_a_customer_without_cards_is_told_how_to_get_one():
    assert "order one in the app" in call(tools.list_cards, make_context("clara"))["summary"]


@pytest.mark.parametrize(
    ("ending", "why", "instead"),
    [
        ("4242", "is active", "chip and PIN"),
        ("1881", "is frozen since", "I can unfreeze it"),
        ("7316", "should arrive by", "activate it in the app"),
        ("9050", "blocked for good", "order one in the app"),
    ],
)
def test_a_card_is_checked_for_what_may_stop_it(ending, why, instead):
    summary = call(tools.check_card, card_ending=ending)["summary"]
    assert why in summary
    assert instead in summary


def test_an_expired_card_says_so():
    Card.objects.filter(ending="4242").update(expires_on="2020-01-01")
    assert "expired on" in call(tools.check_card, card_ending="4242")["summary"]


def test_a_card_on_its_way_is_found_and_a_late_one_admitted():
    assert "should arrive by" in call(tools.track_card)["summary"]
    late = call(tools.track_card, make_context(days_later=5))["summary"]
    assert "should have arrived by" in late
    assert "a colleague can send another" in late
    assert "no card on its way" in call(tools.track_card, make_context("ben"))["summary"]


def test_freezing_and_unfreezing_undo_each_other():
    call(tools.freeze_card, card_ending="4242")
    assert get_card("4242").status == Card.Status.FROZEN
    call(tools.unfreeze_card, card_ending="4242")
    row = get_card("4242")
    assert (row.status, row.frozen_at) == (Card.Status.ACTIVE, None)


@pytest.mark.parametrize(
    ("ending", "why", "instead"),
    [
        ("1881", "already frozen", "report it lost"),
        ("9050", "blocked for good", ""),
        ("7316", "not been activated", "report it lost"),
    ],
)
def test_what_cannot_be_frozen_says_why(ending, why, instead):
    for run in (prepare, call):
        reason = refusal_of(run, tools.freeze_card, card_ending=ending)
        assert why in reason
        assert instead in reason


@pytest.mark.parametrize(
    ("ending", "why", "instead"),
    [
        ("9050", "was reported lost, so for your safety it stays blocked", "••7316"),
        ("7316", "on its way", "activate it in the app"),
        ("4242", "it is active", "look into that payment"),
    ],
)
def test_what_cannot_be_unfrozen_says_why(ending, why, instead):
    for run in (prepare, call):
        reason = refusal_of(run, tools.unfreeze_card, card_ending=ending)
        assert why in reason
        assert instead in reason


def test_a_card_reported_lost_after_the_proposal_is_not_unfrozen():
    prepare(tools.unfreeze_card, card_ending="1881")
    call(tools.report_lost_card, card_ending="1881")
    reason = refusal_of(call, tools.unfreeze_card, card_ending="1881")
    assert "stays blocked" in reason
    assert get_card("1881").status == Card.Status.CANCELLED


def test_a_replacement_leaves_the_old_card_alone():
    message = prepare(tools.replace_card, card_ending="4242", reason="damaged").message
    assert "keeps working until you activate the new one" in message
    result = call(tools.replace_card, card_ending="4242", reason="damaged")
    new = get_card(result["new_card_ending"])
    assert get_card("4242").status == Card.Status.ACTIVE
    assert (new.status, new.replaces.ending, new.scheme) == ("ordered", "4242", "Visa")


@pytest.mark.parametrize(
    ("customer", "ending", "words"),
    [
        ("ana", "9050", "Its replacement ••7316"),
        ("ana", "7316", "still on its way"),
        ("ben", "6644", "create another at once"),
    ],
)
def test_what_cannot_be_replaced_says_what_can_be_done(customer, ending, words):
    for run in (prepare, call):
        reason = refusal_of(run, tools.replace_card, make_context(customer), card_ending=ending)
        assert words in reason


def test_a_reported_card_is_blocked_for_good_and_replaced():
    message = prepare(tools.report_lost_card, card_ending="4242", reason="stolen").message
    assert message.startswith("Block your card ••4242 at once and for good")
    assert "Reason: stolen." in message
    result = call(tools.report_lost_card, card_ending="4242", reason="stolen")
    old, new = get_card("4242"), get_card(result["new_card_ending"])
    assert (old.status, old.cancel_reason) == (Card.Status.CANCELLED, "stolen")
    assert (new.status, new.replaces) == (Card.Status.ORDERED, old)
    assert "open a dispute" in result["summary"].replace("\n", " ")


def test_a_misused_virtual_card_gets_another_at_once():
    ben = make_context("ben")
    result = call(tools.report_lost_card, ben, card_ending="6644", reason="compromised")
    new = get_card(result["new_card_ending"], "ben")
    assert (new.kind, new.status, result["arrives_by"]) == ("virtual", "active", None)
    assert "ready in the app" in result["summary"]


def test_a_card_whose_replacement_is_on_its_way_gets_no_second_one_when_it_is_lost():
    new = call(tools.replace_card, card_ending="4242")["new_card_ending"]
    assert call(tools.report_lost_card, card_ending="4242")["new_card_ending"] == new


def test_a_replacement_that_gets_lost_in_the_post_is_replaced_itself():
    result = call(tools.report_lost_card, card_ending="7316")
    assert get_card("7316").status == Card.Status.CANCELLED
    assert get_card(result["new_card_ending"]).replaces.ending == "7316"


def test_a_card_is_reported_once():
    for run in (prepare, call):
        reason = refusal_of(run, tools.report_lost_card, card_ending="9050")
        assert "blocked for good since" in reason
        assert "••7316" in reason
