"""The server speaks OpenAI's protocol: to OpenAI's client, to ChatOpenAI, and as a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import openai
import pytest
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from tests.openai_server.answers import Answer, call, calls, say
from tests.settings import WATCHDOG

ROOT = Path(__file__).resolve().parents[2]


class Verdict(BaseModel):
    good: bool
    reason: str


VERDICT = {"good": True, "reason": "Grüße 📦"}


@pytest.fixture
async def client(server):
    async with openai.AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
async def model(server):
    # Its own default is one for the process, and this loop is one for the test.
    async with openai.DefaultAsyncHttpxClient() as http:
        yield ChatOpenAI(
            model="any",
            base_url=server.url,
            api_key="none",
            stream_usage=True,
            max_retries=0,
            http_async_client=http,
        )


MESSAGES = [{"role": "user", "content": "Hello?"}]
TOOL = {"type": "function", "function": {"name": "get_order", "parameters": {"type": "object"}}}


async def test_it_lists_models(server, client):
    server.app.models = {"small", "big"}
    assert {model.id async for model in client.models.list()} == {"small", "big"}


async def test_an_answer_in_one_piece(server, client):
    server.play(agent=Answer(text="Hello.", calls=call("get_order", order_number="1").calls))
    answer = await client.chat.completions.create(model="any", messages=MESSAGES)
    [choice] = answer.choices
    assert choice.message.content == "Hello."
    assert choice.message.tool_calls[0].function.arguments == '{"order_number": "1"}'
    assert choice.finish_reason == "tool_calls"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_a_stream_with_several_calls_cut_over_chunks_and_usage_in_the_last(server, client):
    both = calls(call("get_order", number="1043"), call("get_order", number="1044"), text="So. ")
    server.play(agent=both)
    stream = await client.chat.completions.create(
        model="any", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].usage.completion_tokens > 0
    assert chunks[-1].choices == []
    assert [c.usage for c in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-2].choices[0].finish_reason == "tool_calls"
    arguments = {0: [], 1: []}
    for chunk in chunks[:-1]:
        for part in chunk.choices[0].delta.tool_calls or []:
            arguments[part.index].append(part.function.arguments)
    assert [json.loads("".join(parts)) for parts in arguments.values()] == [
        {"number": "1043"},
        {"number": "1044"},
    ]
    assert all(len(parts) > 2 for parts in arguments.values())


async def test_langchain_s_client_reads_the_same(server, model):
    server.play(agent=calls(call("get_order", number="1043"), text="So."))
    chunks = [chunk async for chunk in model.bind_tools([TOOL]).astream("Hello?")]
    whole = sum(chunks[1:], chunks[0])
    assert whole.text == "So."
    assert [one["args"] for one in whole.tool_calls] == [{"number": "1043"}]
    assert whole.usage_metadata["output_tokens"] > 0


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_structured_output_by_schema_and_by_function(server, model, method):
    server.play(router=Answer(structure=VERDICT))
    asked = model.with_structured_output(Verdict, method=method)
    assert await asked.ainvoke("Is it good?") == Verdict(**VERDICT)
    [request] = server.asked("router")
    assert ("response_format" in request) == (method == "json_schema")


async def test_a_script_is_followed_and_its_last_answer_stays(server, model):
    server.play(agent=[say("One."), say("Two.")])
    assert [(await model.ainvoke("Hello?")).text for _ in range(3)] == ["One.", "Two.", "Two."]


@pytest.fixture
def process(tmp_path):
    def start(*arguments):
        started = subprocess.Popen(
            [sys.executable, "-m", "tests.openai_server", *arguments],
            cwd=ROOT,
            env={**os.environ, "DATA_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        WATCHDOG.watch(started)
        running.append(started)
        return started.stdout.readline().strip()

    running = []
    yield start
    for one in running:
        one.terminate()
        one.wait(10)
        one.stdout.close()


def post(url, body, method="POST"):
    data = json.dumps(body).encode()
    request = Request(url, data, {"content-type": "application/json"}, method=method)
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_a_process_answers_simply_and_takes_a_script(process):
    url = process("--route", "orders", "--words", "7")
    ask = {"model": "any", "messages": MESSAGES}
    text = post(f"{url}/chat/completions", ask)["choices"][0]["message"]["content"]
    assert len(text.split()) == 7
    schema = {"type": "json_schema", "json_schema": {"name": "RouteDecision", "schema": {}}}
    routed = post(f"{url}/chat/completions", {**ask, "response_format": schema})
    decision = json.loads(routed["choices"][0]["message"]["content"])
    assert decision["intents"] == [{"agent": "orders", "request": "as asked"}]
    post(url.replace("/v1", "/script"), {"*": [{"text": "Scripted."}]}, "PUT")
    text = post(f"{url}/chat/completions", ask)["choices"][0]["message"]["content"]
    assert text == "Scripted."
    with urlopen(url.replace("/v1", "/requests")) as answer:
        assert len(json.load(answer)) == 3
