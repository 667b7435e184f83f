"""Conversations that go on: what was spoken of, refused, listed or corrected is understood in the next message."""

import pytest

from tests.offline.test_act import LOANS, called

REFUSED = "Loan 2044 is reserved for somebody else."


def refuse(desk):
    desk.ask("loans", "renew loan 2044")
    return desk.result(REFUSED, "error").go_on("loans")


def speak_of(desk, number):
    desk.ask("loans", f"when is loan {number} due")
    desk.result({"loan_number": number, "due_on": "2026-12-01"}).go_on("loans")


def test_my_loan_is_one_that_fits_and_not_what_was_spoken_of(desk):
    speak_of(desk, "2044")
    assert called(desk.ask("loans", "renew my loan")) == [("list_loans", {})]
    question = desk.result(LOANS).go_on("loans")
    assert question.text == "Which loan shall I renew?\n\n- 2041: Emma\n- 2043: Dune"


def test_my_loan_is_what_was_spoken_of_if_that_fits(desk):
    speak_of(desk, "2043")
    desk.ask("loans", "renew my loan")
    assert called(desk.result(LOANS).go_on("loans")) == [("renew_loan", {"loan_number": "2043"})]


@pytest.mark.parametrize("text", ["renew it", "please renew that loan", "extend this one"])
def test_it_and_that_are_what_was_spoken_of_even_if_it_does_not_fit(desk, text):
    speak_of(desk, "2044")
    assert called(desk.ask("loans", text)) == [("renew_loan", {"loan_number": "2044"})]


@pytest.mark.parametrize("text", ["2043", "then 2043", "no wait, 2043 instead"])
def test_after_a_refusal_a_number_goes_on_with_the_request(desk, text):
    refuse(desk)
    assert [i.agent for i in desk.route(text).intents] == ["loans"]
    assert called(desk.ask("loans", text)) == [("renew_loan", {"loan_number": "2043"})]


@pytest.mark.parametrize("text", ["Why?", "but why not", "how come?"])
def test_why_after_a_refusal_repeats_the_reason(desk, text):
    refuse(desk)
    assert [i.agent for i in desk.route(text).intents] == ["loans"]
    assert desk.ask("loans", text).text == REFUSED
    # The question is still open.
    assert called(desk.ask("loans", "2043")) == [("renew_loan", {"loan_number": "2043"})]


@pytest.mark.parametrize(
    "text", ["you idiots, renew loan 2041 now", "This service is garbage. Renew loan 2041!"]
)
def test_an_insult_with_a_request_in_it_is_served(desk, text):
    assert [i.agent for i in desk.route(text).intents] == ["loans"]
    assert called(desk.ask("loans", text)) == [("renew_loan", {"loan_number": "2041"})]


@pytest.mark.parametrize("text", ["the second one", "2", "number 2 please", "when it is due"])
def test_a_choice_is_taken_by_its_place_its_number_or_its_words(desk, text):
    question = desk.clarify("my loan").clarification_question
    assert question.splitlines()[3] == "- Find out when a book is due"
    assert [i.agent for i in desk.route(text).intents] == ["loans"]
    assert desk.ask("loans", text).text == "Which loan is it?"


def choose(desk, text):
    desk.ask("loans", "please extend my loan")
    desk.result(LOANS).go_on("loans")
    return desk.ask("loans", text)


@pytest.mark.parametrize("text", ["Emma. No wait, Dune instead", "the first, actually the second"])
def test_a_change_of_mind_within_an_answer_counts(desk, text):
    assert called(choose(desk, text)) == [("renew_loan", {"loan_number": "2043"})]


def test_a_change_of_mind_within_a_request_counts(desk):
    call = desk.ask("loans", "renew loan 2041, no wait, 2043")
    assert called(call) == [("renew_loan", {"loan_number": "2043"})]


def test_a_change_of_mind_while_an_approval_is_open_counts(desk):
    desk.ask("loans", "renew loan 2041")
    desk.result("superseded", "superseded")
    call = desk.ask("loans", "no wait, 2043 instead")
    assert called(call) == [("renew_loan", {"loan_number": "2043"})]


def test_the_other_one_is_what_was_listed_and_not_taken(desk):
    choose(desk, "the first one")
    desk.result({"title": "Emma", "due_on": "2026-12-01"}).go_on("loans")
    assert [i.agent for i in desk.route("and the other one").intents] == ["loans"]
    call = desk.ask("loans", "and the other one")
    assert called(call) == [("renew_loan", {"loan_number": "2043"})]


def test_the_other_one_is_what_was_named_and_not_taken(desk):
    desk.ask("loans", "renew 2041 and 2043")
    desk.result("superseded", "superseded")
    assert called(desk.ask("loans", "only the other one")) == [
        ("renew_loan", {"loan_number": "2043"})
    ]


def test_only_one_of_them_asks_which(desk):
    desk.ask("loans", "renew 2041 and 2043")
    desk.result("superseded", "superseded")
    assert [i.agent for i in desk.route("yes but only one of them").intents] == ["loans"]
    question = desk.ask("loans", "yes but only one of them")
    assert question.text == "Which loan shall I renew?\n\n- 2041\n- 2043"
    assert called(desk.ask("loans", "2043")) == [("renew_loan", {"loan_number": "2043"})]


def test_one_of_them_goes_on_with_a_list(desk):
    question = choose(desk, "yes but only one of them")
    assert question.text.startswith("Which loan shall I renew?")
    assert called(desk.ask("loans", "Dune")) == [("renew_loan", {"loan_number": "2043"})]
