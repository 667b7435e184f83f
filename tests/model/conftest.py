import pytest

from agents import chat_models, model_health
from tests.openai_server.server import OpenAIServer
from tests.talk import open_talk, shop

__all__ = ["open_talk", "shop"]

KEY = "sk-hunter2"


@pytest.fixture(scope="session")
def running_server():
    server = OpenAIServer().start()
    yield server
    server.stop()


@pytest.fixture
async def server(running_server, settings):
    """The server, and the platform's settings as if it were the company's model."""
    settings.USES_OFFLINE_MODEL = False
    settings.OPENAI_API_KEY = KEY
    settings.OPENAI_BASE_URL = running_server.url
    running_server.app.reset()
    model_health.forget()
    yield running_server
    await chat_models.close_models()
    model_health.forget()


class FromOutside:
    """Stands where a script would: the models are the product's own."""

    asked = ()
    build = staticmethod(chat_models.build_chat_model)


@pytest.fixture
def chat(server, open_talk):
    """Open conversations with the real client: `await chat(fallback_model="small")`."""

    async def chat(**changes):
        return await open_talk(FromOutside(), **changes)

    return chat
