"""A short dialogue with whatever model OPENAI_BASE_URL, OPENAI_API_KEY and LLM_MODEL name: `pytest -m live`."""

import pytest

from agents import chat_models, model_health
from conversations.models import Usage
from tests import factories, talk
from tests.model.conftest import FromOutside
from tests.openai_server.offline import read_shipped
from tests.settings import LIVE_MODEL
from tests.talk import in_database, open_talk, shop

__all__ = ["open_talk", "shop"]

pytestmark = pytest.mark.live


@pytest.fixture
async def live(settings, monkeypatch):
    if not LIVE_MODEL:
        pytest.skip("set OPENAI_BASE_URL or OPENAI_API_KEY, and LLM_MODEL")
    settings.USES_OFFLINE_MODEL = False
    for name, value in LIVE_MODEL.items():
        setattr(settings, name, value)
    monkeypatch.setattr(talk, "SECONDS", 100)
    # It takes each look at the table for a missed event; quick tests end before the first one.
    monkeypatch.setattr(talk.Talk, "catch_up", lambda *_: None)
    model_health.forget()
    yield
    await chat_models.close_models()
    model_health.forget()


@pytest.fixture
async def opened(live, open_talk, shop):
    version = await in_database(factories.make_version, read_shipped("ecommerce"))
    return await open_talk(FromOutside(), version=version)


async def test_a_look_up_and_an_approved_write(opened):
    await opened.say("Hi! Which items are in my order 1043?")
    assert ("get_order", "ok") in opened.results
    assert "1043" in opened.said[-1]

    await opened.say("Please cancel order 1043.")
    [waiting] = opened.waiting
    assert (waiting["action"], waiting["params"]["order_number"]) == ("cancel_order", "1043")
    await opened.answer(True)
    assert ("cancel_order", "ok") in opened.results
    assert opened.outcomes == ["completed", "completed"]
    assert len("".join(frame["content"] for frame in opened.of("token"))) > 10
    assert await Usage.objects.filter(input_tokens__gt=0, output_tokens__gt=0).acount() >= 2
    assert model_health.describe() == "ok"


async def test_what_is_not_the_shop_s_business_gets_an_answer_without_tools(opened):
    await opened.say("What is the capital of Mongolia?")
    assert opened.results == []
    assert opened.outcomes == ["completed"]
