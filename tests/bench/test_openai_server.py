"""The bench's model over HTTP, asked by LangChain's own client."""

import subprocess
import sys

import pytest
from langchain_openai import ChatOpenAI

from agents.routing import RouteDecision
from bench.answers import answer, question
from tests.site import ROOT


def start(**variables):
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.openai_server"],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


@pytest.fixture(scope="module")
def url():
    process, url = start()
    with process:
        yield url
        process.terminate()


def open_model(url):
    return ChatOpenAI(model="bench", base_url=url, api_key="none", stream_usage=True)


def test_a_message_is_routed_to_the_first_agent(url):
    router = open_model(url).with_structured_output(RouteDecision, include_raw=True)
    decision = router.invoke(question())["parsed"]
    assert [(one.agent, one.request) for one in decision.intents] == [("orders", question())]


@pytest.mark.parametrize("tokens", [50, 250])
def test_an_answer_is_streamed_token_by_token_with_its_usage(url, tokens):
    chunks = list(open_model(url).stream(question(tokens)))
    pieces = [chunk.text for chunk in chunks if chunk.text]
    assert len(pieces) == tokens
    assert "".join(pieces) == answer(tokens)
    [usage] = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert usage["output_tokens"] == tokens
    assert any(chunk.response_metadata.get("finish_reason") == "stop" for chunk in chunks)


def test_one_connection_takes_one_request_after_another(url):
    model = open_model(url)
    assert [model.invoke(question(tokens)).text for tokens in (3, 4)] == [answer(3), answer(4)]


def test_the_last_message_decides_how_long_the_answer_is(url):
    history = [("user", question(5)), ("assistant", answer(5)), ("user", question(7))]
    assert open_model(url).invoke(history).text == answer(7)


def test_a_slow_model_says_the_same():
    process, url = start(FIRST_TOKEN_MS="5", TOKEN_MS="1")
    with process:
        assert "".join(chunk.text for chunk in open_model(url).stream(question(9))) == answer(9)
        process.terminate()
