import threading

import pytest
from django.db import connection

from agents.loading import read_template
from agents.models import AgentTemplate, TemplateVersion
from agents.selectors import get_current_version, get_spec, list_templates
from agents.services import publish_version
from tests.templates.conftest import SHOP

ONE = read_template(SHOP, source="x.yaml")
TWO = read_template(SHOP.replace("Hello!", "Good day!"), source="x.yaml")


@pytest.mark.django_db
def test_the_same_content_is_published_once():
    first = publish_version(ONE, source="x.yaml")
    again = publish_version(ONE, source="elsewhere.yaml")
    assert again == first
    assert TemplateVersion.objects.count() == 1


@pytest.mark.django_db
def test_new_content_becomes_the_current_version_and_leaves_the_old():
    first = publish_version(ONE, source="x.yaml")
    second = publish_version(TWO, source="x.yaml")
    assert (first.number, second.number) == (1, 2)
    assert get_current_version("shop") == second
    assert get_spec(TemplateVersion.objects.get(number=1)).greeting == "Hello!"
    assert get_spec(second) == TWO


@pytest.mark.django_db
def test_going_back_to_old_content_is_a_new_version():
    publish_version(ONE, source="x.yaml")
    publish_version(TWO, source="x.yaml")
    assert publish_version(ONE, source="x.yaml").number == 3


@pytest.mark.django_db
def test_a_version_is_read_back_whole_and_without_a_query(django_assert_num_queries):
    version = publish_version(ONE, source="x.yaml")
    with django_assert_num_queries(0):
        assert get_spec(version) == ONE
        assert get_spec(version) is get_spec(version)


@pytest.mark.django_db
def test_a_version_cannot_be_changed():
    version = publish_version(ONE, source="x.yaml")
    with pytest.raises(TypeError, match="frozen"):
        version.save()
    with pytest.raises(TypeError, match="frozen"):
        version.delete()


@pytest.mark.django_db
def test_only_published_templates_are_offered():
    AgentTemplate.objects.create(slug="empty", name="Empty")
    publish_version(ONE, source="x.yaml")
    assert [template.slug for template in list_templates()] == ["shop"]
    with pytest.raises(AgentTemplate.DoesNotExist):
        get_current_version("empty")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("contents", "numbers"), [((ONE, ONE), [1]), ((ONE, TWO), [1, 2])])
def test_two_publishers_at_once_give_one_version_for_each_content(contents, numbers):
    barrier = threading.Barrier(2)
    failures = []

    def publish(spec):
        try:
            barrier.wait()
            publish_version(spec, source="x.yaml")
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=publish, args=(spec,)) for spec in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = TemplateVersion.objects.order_by("number").values_list("number", flat=True)
    assert list(found) == numbers
    assert get_current_version("shop").number == numbers[-1]
