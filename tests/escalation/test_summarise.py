"""A model puts into words what an escalation is about; until then, and without one, what was extracted stands."""

import pytest

from agents import chat_models, model_health
from conversations.services.handoffs import request_handoff
from conversations.tasks import run_in_loop
from escalation.models import Escalation
from escalation.tasks import summarise_escalations
from tests.conversations.race import race
from tests.factories import make_message
from tests.model.conftest import KEY, running_server

__all__ = ["running_server"]

pytestmark = pytest.mark.django_db(transaction=True)

EXTRACTED = "First: “Where is my order?”"


@pytest.fixture
def model(running_server, settings):
    """A company's model, over HTTP."""
    settings.USES_OFFLINE_MODEL = False
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = KEY, running_server.url
    running_server.app.reset()
    model_health.forget()
    yield running_server.app
    run_in_loop(chat_models.close_models(), timeout_seconds=10)
    model_health.forget()


def ask_for_a_person(conversation):
    make_message(conversation)
    request_handoff(
        visitor_id=conversation.visitor_id,
        thread_id=conversation.thread_id,
        template=conversation.version.template.slug,
    )
    return Escalation.objects.get()


def script(app, **answer):
    from tests.openai_server.answers import Answer

    app.script = {"*": [Answer(**answer)]}


def test_its_words_stand_above_what_was_extracted(conversation, model):
    script(model, text="Ana looks for order 1042.")
    assert ask_for_a_person(conversation).summary == EXTRACTED
    summarise_escalations()
    row = Escalation.objects.get()
    assert row.summary == f"Ana looks for order 1042.\n\n{EXTRACTED}"
    assert not row.is_summary_due
    [request] = model.requests
    system, said = (message["content"] for message in request["messages"])
    assert "Where is my order?" in said
    assert "Where is my order?" not in system


def test_it_is_asked_once_also_by_two_at_once(conversation, model):
    script(model, text="In short.")
    ask_for_a_person(conversation)
    race(summarise_escalations, summarise_escalations)
    summarise_escalations()
    assert len(model.requests) == 1


@pytest.mark.parametrize("answer", [{"status": 500}, {"text": ""}, {"text": "<think>hm</think>"}])
def test_without_a_usable_word_of_it_the_extract_stands(conversation, model, answer):
    script(model, **answer)
    ask_for_a_person(conversation)
    summarise_escalations()
    assert Escalation.objects.get().summary == EXTRACTED


def test_the_offline_model_is_not_asked(conversation):
    assert not ask_for_a_person(conversation).is_summary_due
    summarise_escalations()
    assert Escalation.objects.get().summary == EXTRACTED
