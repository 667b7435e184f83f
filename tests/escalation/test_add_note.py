import pytest

from escalation import errors
from escalation.models import Note
from escalation.services.notes import add_note
from tests.escalation.conftest import frames

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_note_is_for_staff_alone(conversation, sam):
    add_note(conversation.pk, sam, " Called her. ")
    note = Note.objects.get()
    assert (note.author, note.text) == (sam, "Called her.")
    assert frames(conversation) == []
    assert conversation.messages.count() == 0


@pytest.mark.parametrize("text", ["", "x" * 8_001])
def test_a_note_is_a_text(conversation, sam, text):
    with pytest.raises(errors.TextInvalid):
        add_note(conversation.pk, sam, text)


def test_olga_is_refused(conversation, olga):
    with pytest.raises(errors.NotPermitted):
        add_note(conversation.pk, olga, "Me too")
    assert Note.objects.count() == 0
