import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations.models import Conversation
from conversations.services.feedback import give_feedback
from escalation.models import Rating
from tests.conversations.race import race
from tests.escalation.conftest import frames
from tests.factories import make_conversation

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_rating_is_kept_and_told_to_every_view(conversation):
    give_feedback(conversation.pk, 4, comment="  Quick  ", message_id="m")
    row = Rating.objects.get()
    assert (row.conversation, row.rating, row.comment) == (conversation, 4, "Quick")
    assert frames(conversation) == [
        ("feedback", {"rating": 4, "comment": "Quick", "message_id": "m"})
    ]


def test_of_several_the_last_one_counts(conversation):
    for rating in (1, 5):
        give_feedback(conversation.pk, rating)
    assert Rating.objects.get().rating == 5


def test_several_at_once_leave_one(conversation):
    results = race(*[lambda n=n: give_feedback(conversation.pk, n) for n in (1, 2, 3, 4, 5)])
    assert results == [None] * 5
    last = frames(conversation)[-1][1]["rating"]
    assert Rating.objects.get().rating == last


@pytest.mark.parametrize("status", Conversation.Status.values)
def test_a_conversation_can_be_rated_also_when_it_is_over(transactional_db, status):
    conversation = make_conversation(status=status)
    give_feedback(conversation.pk, 3)
    conversation.refresh_from_db()
    assert conversation.status == status


@pytest.mark.parametrize("rating", [0, 6])
def test_the_database_knows_the_scale(conversation, rating):
    with pytest.raises(IntegrityError), transaction.atomic():
        Rating.objects.create(conversation=conversation, rating=rating, created_at=timezone.now())
