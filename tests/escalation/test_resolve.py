import pytest

from conversations import errors as chat_errors
from conversations.models import Conversation, Run
from escalation import errors
from escalation.models import Escalation
from escalation.services.takeovers import find_open, release, reply, resolve, take_over
from tests.conversations.race import race, winners
from tests.escalation.conftest import frames, make_waiting, said
from tests.escalation.test_request_handoff import ask
from tests.factories import make_message

pytestmark = pytest.mark.django_db(transaction=True)


def test_sam_settles_it_and_the_customer_is_asked_how_it_was(conversation, sam):
    take_over(conversation.pk, sam)
    reply(conversation.pk, sam, "Done.")
    row = resolve(conversation.pk, sam)
    assert (row.status, row.resolved_by, row.ended_at is not None) == ("resolved", sam, True)
    assert Conversation.objects.get().status == "closed"
    assert "from 1 to 5" in said(conversation, "system")[-1]
    assert frames(conversation)[-1] == ("status", {"status": "closed"})
    with pytest.raises(chat_errors.SessionExpired):
        make_message(conversation)


def test_what_nobody_took_can_be_settled_too(conversation, sam):
    waiting = make_waiting(conversation)
    ask(conversation)
    resolve(conversation.pk, sam)
    waiting.refresh_from_db()
    assert waiting.status == "superseded"
    assert Run.objects.get().status == "handed_off"
    assert Conversation.objects.get().wants_person is False


def test_where_nothing_is_open_there_is_nothing_to_settle(conversation, sam):
    with pytest.raises(errors.NotTaken):
        resolve(conversation.pk, sam)
    take_over(conversation.pk, sam)
    resolve(conversation.pk, sam)
    with pytest.raises(errors.NotTaken):
        resolve(conversation.pk, sam)
    with pytest.raises(errors.NotTaken):
        release(conversation.pk, sam)
    assert find_open(conversation.pk) is None


def test_settling_and_giving_back_at_once_do_one_of_both(conversation, sam, kim):
    take_over(conversation.pk, sam)
    results = race(lambda: resolve(conversation.pk, sam), lambda: release(conversation.pk, kim))
    assert winners(results, errors.NotTaken, errors.MoveRefused) == 1
    status = Escalation.objects.get().status
    expected = {"resolved": "closed", "released": "open"}
    assert Conversation.objects.get().status == expected[status]


def test_olga_is_refused(conversation, sam, olga):
    take_over(conversation.pk, sam)
    with pytest.raises(errors.NotPermitted):
        resolve(conversation.pk, olga)
    assert Conversation.objects.get().status == "handed_off"
