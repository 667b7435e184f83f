"""An agent's answers: tools filled in, missing things asked for, results worded, nothing made up."""

import json

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

LOANS = {
    "loans": [
        {"loan_number": "2041", "title": "Emma", "due_on": "2026-11-20", "renewable": "yes"},
        {"loan_number": "2043", "title": "Dune", "due_on": "2026-12-02", "renewable": "yes"},
        {"loan_number": "2044", "title": "Ulysses", "due_on": "2026-12-09", "renewable": "no"},
    ]
}


def called(message):
    return [(call["name"], call["args"]) for call in message.tool_calls]


def test_arguments_come_from_the_message(desk):
    assert called(desk.ask("loans", "please renew loan #2041")) == [
        ("renew_loan", {"loan_number": "2041"})
    ]
    assert called(desk.ask("loans", "renew 2043 for 14 days")) == [
        ("renew_loan", {"loan_number": "2043", "days": 14})
    ]
    assert called(desk.ask("fees", "pay 5 euros of my fees")) == [("pay_fee", {"amount": 5})]
    assert called(desk.ask("account", "my email is ana@example.com now")) == [
        ("change_email", {"new_email": "ana@example.com"})
    ]


def test_what_is_missing_is_asked_for_and_the_answer_taken(desk):
    question = desk.ask("account", "change my email address")
    assert question.text == "What is the new address?"
    assert not question.tool_calls
    again = desk.ask("account", "I don't know")
    assert again.text == "What is the new address?"
    assert called(desk.ask("account", "it's ana@example.com, thanks")) == [
        ("change_email", {"new_email": "ana@example.com"})
    ]


def test_the_customer_may_give_up_a_question(desk):
    desk.ask("account", "change my email address")
    answer = desk.ask("account", "never mind")
    assert answer.text == desk.template.texts.superseded
    assert not answer.tool_calls


def test_another_request_instead_of_the_answer_is_served(desk):
    desk.ask("account", "change my email address")
    assert "open from 10 to 18" in desk.ask("account", "what are your opening hours?").text


def test_a_look_up_takes_the_only_thing_that_fits(desk):
    assert called(desk.ask("loans", "please extend my loan")) == [("list_loans", {})]
    only = {"loans": [LOANS["loans"][0], LOANS["loans"][2]]}
    assert called(desk.result(only).go_on("loans")) == [("renew_loan", {"loan_number": "2041"})]


def test_a_look_up_takes_what_the_customer_names_even_if_it_does_not_fit(desk):
    desk.ask("loans", "please extend my loan of Ulysses")
    # The tool then says why it cannot be done.
    assert called(desk.result(LOANS).go_on("loans")) == [("renew_loan", {"loan_number": "2044"})]


@pytest.mark.parametrize(
    ("answer", "number"),
    [("the second one", "2043"), ("Emma", "2041"), ("2043 please", "2043"), ("the latest", "2043")],
)
def test_of_several_things_the_customer_is_asked(desk, answer, number):
    desk.ask("loans", "please extend my loan")
    question = desk.result(LOANS).go_on("loans")
    assert question.text == "Which loan shall I renew?\n\n- 2041: Emma\n- 2043: Dune"
    assert called(desk.ask("loans", answer)) == [("renew_loan", {"loan_number": number})]


def test_when_nothing_fits_it_says_so_and_does_nothing(desk):
    desk.ask("loans", "please extend my loan")
    answer = desk.result({"loans": [], "summary": "You have borrowed nothing."}).go_on("loans")
    assert "found nothing" in answer.text
    assert "You have borrowed nothing." in answer.text
    assert not answer.tool_calls


def test_it_is_the_thing_that_was_spoken_of(desk):
    desk.ask("loans", "when is loan 2041 due")
    desk.result({"loan_number": "2041", "due_on": "2026-12-01"}).go_on("loans")
    assert called(desk.ask("loans", "please renew it")) == [("renew_loan", {"loan_number": "2041"})]
    desk.result("It is reserved.", "error").go_on("loans")
    assert called(desk.ask("loans", "and 2043?")) == [("renew_loan", {"loan_number": "2043"})]


def test_another_one_is_not_the_thing_that_was_spoken_of(desk):
    desk.ask("loans", "when is loan 2041 due")
    desk.result({"loan_number": "2041", "due_on": "2026-12-01"}).go_on("loans")
    assert called(desk.ask("loans", "extend another loan for me")) == [("list_loans", {})]


def test_a_result_is_worded_by_the_templates_reply(desk):
    desk.ask("loans", "renew loan 2041")
    answer = desk.result({"title": "Emma", "due_on": "2026-12-01"}).go_on("loans")
    # The price is not in the result, so its sentence is left out.
    assert answer.text == "I renewed Emma until 1 December 2026."


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"loans": [{"title": "Emma"}], "summary": "You have Emma."}, "You have Emma."),
        ({"loans": [{"title": "Emma", "due_on": "2026-12-01"}]}, "- Emma, 1 December 2026"),
        ({"loans": []}, "I looked it up and found nothing."),
        ({"count": 2, "overdue": False, "note": None}, "- Count: 2\n- Overdue: no"),
    ],
)
def test_a_result_without_a_reply_is_worded_from_its_fields(desk, result, text):
    desk.ask("loans", "list my loans")
    assert desk.result(result).go_on("loans").text == text


def test_a_result_cannot_reach_into_the_template(desk):
    desk.ask("loans", "renew loan 2041")
    answer = desk.result({"title": "{due_on} {company}", "due_on": "soon"}).go_on("loans")
    assert answer.text == "I renewed {due_on} {company} until soon."


@pytest.mark.parametrize(
    ("outcome", "content", "text"),
    [
        (
            "error",
            "Loan 2041 is reserved for somebody else.",
            "Loan 2041 is reserved for somebody else.",
        ),
        ("unknown", "I do not know whether it was done.", "I do not know whether it was done."),
        ("rejected", "rejected", "declined"),
        ("expired", "expired", "expired"),
        ("superseded", "superseded", "superseded"),
    ],
)
def test_what_was_not_done_is_never_said_to_be_done(desk, outcome, content, text):
    desk.ask("loans", "renew loan 2041")
    answer = desk.result(content, outcome).go_on("loans")
    assert answer.text == getattr(desk.template.texts, text, text)
    assert "renewed" not in answer.text
    assert not answer.tool_calls


def test_after_a_refusal_the_customer_may_name_another(desk):
    desk.ask("loans", "renew loan 9999")
    desk.result("There is no loan 9999.", "error").go_on("loans")
    assert [i.agent for i in desk.route("sorry, 2041").intents] == ["loans"]
    assert called(desk.ask("loans", "sorry, 2041")) == [("renew_loan", {"loan_number": "2041"})]


@pytest.mark.parametrize("outcome", ["expired", "superseded"])
def test_the_same_words_again_after_nothing_came_of_them_ask_for_the_same_again(desk, outcome):
    desk.ask("loans", "renew loan 2041")
    desk.result("This was not done.", outcome)
    again = desk.ask("loans", "renew loan 2041")
    assert called(again) == [("renew_loan", {"loan_number": "2041"})]


def test_two_numbers_are_two_calls_one_after_the_other(desk):
    assert called(desk.ask("loans", "renew 2041 and 2043")) == [
        ("renew_loan", {"loan_number": "2041"})
    ]
    then = desk.result("no", "rejected").go_on("loans")
    assert then.text == desk.template.texts.declined
    assert called(then) == [("renew_loan", {"loan_number": "2043"})]
    last = desk.result({"title": "Dune", "due_on": "2026-12-01"}).go_on("loans")
    assert last.text == "I renewed Dune until 1 December 2026."
    assert not last.tool_calls


def test_only_the_part_is_handled_when_a_message_had_several(desk):
    desk.history.append(HumanMessage("change my email and renew loan 2041"))
    part = HumanMessage("renew loan 2041", additional_kwargs={"part": True})
    assert called(desk.go_on("loans", part)) == [("renew_loan", {"loan_number": "2041"})]


@pytest.mark.parametrize("place", ["before the calls", "at the end"])
def test_a_parts_results_are_worded_wherever_the_part_stands(desk, place):
    part = HumanMessage("renew loan 2041", additional_kwargs={"part": True})
    history = [SystemMessage("prompt"), HumanMessage("change my email and renew loan 2041")]
    call = desk.agent("loans").invoke([*history, part])
    call.name = "loans"
    result = ToolMessage(
        json.dumps({"title": "Emma", "due_on": "2026-12-01"}),
        tool_call_id=call.tool_calls[0]["id"],
        additional_kwargs={"outcome": "ok"},
    )
    after = [part, call, result] if place == "before the calls" else [call, result, part]
    assert (
        desk.agent("loans").invoke([*history, *after]).text
        == "I renewed Emma until 1 December 2026."
    )


def test_an_earlier_parts_result_is_not_taken_for_this_ones(desk):
    call = desk.ask("loans", "renew 2041, and also when is loan 2043 due?")
    expired = ToolMessage(
        "expired",
        tool_call_id=call.tool_calls[0]["id"],
        status="error",
        additional_kwargs={"outcome": "expired"},
    )
    part = HumanMessage("when is loan 2043 due?", additional_kwargs={"part": True})
    history = [SystemMessage("prompt"), desk.history[0], part, call, expired]
    assert called(desk.agent("loans").invoke(history)) == [("get_loan", {"loan_number": "2043"})]


def test_an_intent_without_a_tool_gets_its_reply_without_what_nobody_knows(desk):
    answer = desk.ask("account", "when are you open")
    assert answer.text == "City Library is open from 10 to 18 on weekdays."


def test_another_agents_request_is_transferred_once(desk):
    transfer = desk.ask("account", "renew loan 2041")
    assert called(transfer) == [
        ("transfer_to_agent", {"agent": "loans", "reason": "renew loan 2041"})
    ]
    desk.result({"transferred_to": "loans"})
    assert called(desk.go_on("loans")) == [("renew_loan", {"loan_number": "2041"})]


def test_a_transfer_that_failed_is_not_tried_again(desk):
    desk.ask("account", "renew loan 2041")
    answer = desk.result("This transfer is not possible.", "error").go_on("account")
    assert answer.text == desk.template.texts.not_understood
    assert not answer.tool_calls


def test_what_it_does_not_understand_it_says(desk):
    answer = desk.ask("loans", "colourless green ideas sleep furiously")
    assert answer.text == desk.template.texts.not_understood


def test_the_noted_state_is_plain_json(desk):
    desk.ask("loans", "please extend my loan")
    question = desk.result(LOANS).go_on("loans")
    noted = question.additional_kwargs["offline"]
    assert json.loads(json.dumps(noted)) == noted


async def test_a_stream_comes_in_pieces_and_ends_with_calls_and_usage(desk):
    desk.history = [HumanMessage("renew loan 2041")]
    chunks = [chunk async for chunk in desk.agent("loans").astream(desk.history)]
    whole = chunks[0] + chunks[1:] if len(chunks) > 1 else chunks[0]
    assert called(whole) == [("renew_loan", {"loan_number": "2041"})]
    assert whole.tool_calls[0]["id"].startswith("call_")
    assert whole.usage_metadata["total_tokens"] > 0
    assert whole.response_metadata["model_name"] == "offline-demo"
    assert whole.additional_kwargs["offline"]["tool"] == "renew_loan"

    desk.history = [HumanMessage("when are you open")]
    chunks = [chunk async for chunk in desk.agent("account").astream(desk.history)]
    assert len([chunk for chunk in chunks if chunk.text]) > 2
    assert "".join(chunk.text for chunk in chunks).startswith("City Library is open")


def test_without_tools_bound_it_claims_nothing(desk):
    model = desk.agent("loans", tools=[])
    answer = model.invoke([HumanMessage("renew loan 2041")])
    assert isinstance(answer, AIMessage)
    assert not answer.tool_calls
    assert "cannot do that" in answer.text
