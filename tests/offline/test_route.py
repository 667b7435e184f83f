"""The router's decisions on a template of eight intents."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from agents.offline.model import OfflineChatModel
from agents.routing import RouteDecision
from tests.offline.library import Desk, make_template


def agents(decision):
    return [intent.agent for intent in decision.intents]


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        ("when do I need to return loan 2041?", "loans"),
        ("could you prolong my novel", "loans"),
        ("do I still have to pay a fine", "fees"),
        ("I got a new mail address", "account"),
        ("Hello! At what time do you close tonight?", "account"),
        ("I would rather talk to a human being", "human"),
        ("Thanks, and when is 2043 due?", "loans"),
    ],
)
def test_one_request_goes_to_its_agent(desk, text, agent):
    decision = desk.route(text)
    assert agents(decision) == [agent]
    assert decision.intents[0].request == text
    assert not decision.is_ambiguous
    assert decision.other is None


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("hello", "hello"),
        ("Good morning!", "hello"),
        ("thanks a lot", "thanks"),
        ("ok, bye", "thanks"),
        ("you are complete idiots", "abuse"),
        ("who won the world cup in 1990", "out_of_scope"),
        ("how do I boil an egg", "out_of_scope"),
    ],
)
def test_what_asks_for_nothing_goes_to_nobody(desk, text, other):
    decision = desk.route(text)
    assert decision.other == other
    assert not decision.intents


def test_several_requests_keep_the_customers_order_and_words(desk):
    decision = desk.route("Change my email to ana@example.com and then renew loan 2041")
    assert [(i.agent, i.request) for i in decision.intents] == [
        ("account", "Change my email to ana@example.com"),
        ("loans", "renew loan 2041"),
    ]


def test_one_matter_told_at_length_stays_one(desk):
    text = "I borrowed a novel last week, it is thick and I read slowly. Can I keep it longer?"
    assert agents(desk.route(text)) == ["loans"]


@pytest.mark.parametrize("text", ["my loan", "I have a problem with my book", "can you help me?"])
def test_a_message_that_may_mean_much_is_asked_back(desk, text):
    decision = desk.route(text)
    assert decision.is_ambiguous
    assert decision.clarification_question.count("\n- ") in (2, 3)
    assert not decision.intents


def test_the_answer_to_that_question_is_read_together_with_it(desk):
    question = desk.clarify("my loan").clarification_question
    assert "Renew a loan" in question
    decision = desk.route("renew it")
    assert agents(decision) == ["loans"]
    call = desk.ask("loans", "renew it")
    assert call.tool_calls[0]["name"] == "list_loans"  # to find out which


def test_another_request_instead_of_that_answer_is_heard(desk):
    desk.clarify("my loan")
    assert agents(desk.route("what are your opening hours on Monday?")) == ["account"]


def test_an_answer_goes_to_the_agent_who_asked(desk):
    desk.ask("fees", "I want to pay my fine")
    assert agents(desk.route("2.50")) == ["fees"]
    assert agents(desk.route("never mind")) == ["fees"]
    assert agents(desk.route("Please change my email address")) == ["account"]
    assert desk.route("thanks").other == "thanks"


def test_it_goes_to_the_agent_who_spoke_last(desk):
    desk.history += [
        HumanMessage("what do I owe"),
        AIMessage(
            "2.00 EUR for Emma.", name="fees", additional_kwargs={"offline": {"agent": "fees"}}
        ),
    ]
    assert agents(desk.route("why is that?")) == ["fees"]


def test_a_template_without_examples_for_people_still_has_a_way_to_them(offline_cache):
    human = {
        "intents": [{"name": "person", "examples": ["I want a librarian", "get me a colleague"]}]
    }
    desk = Desk(offline_cache, make_template(human=human))
    assert agents(desk.route("can I have a librarian please")) == ["human"]
    assert agents(Desk(offline_cache).route("let me speak with somebody real")) == ["human"]


async def test_the_raw_answer_looks_like_a_real_models(desk, offline_cache):
    router = OfflineChatModel(template=desk.template, role="router", cache_dir=offline_cache)
    decide = router.with_structured_output(RouteDecision)
    answer = await decide.ainvoke([HumanMessage("renew loan 2041")])
    assert agents(answer["parsed"]) == ["loans"]
    assert answer["parsing_error"] is None
    assert answer["raw"].usage_metadata["total_tokens"] > 0
    assert answer["raw"].response_metadata["model_name"] == "offline-demo"


def test_another_structure_is_refused(desk, offline_cache):
    class Poem(BaseModel):
        text: str

    router = OfflineChatModel(template=desk.template, role="router", cache_dir=offline_cache)
    with pytest.raises(NotImplementedError, match="Poem"):
        router.with_structured_output(Poem)
