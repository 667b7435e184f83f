import yaml
from django.urls import reverse

from agents.admin import as_yaml
from agents.loading import read_template
from agents.services import publish_version
from tests.admin.conftest import SHOP, words_of


def test_a_version_is_shown_in_words(as_sam, version):
    words = words_of(as_sam.get(reverse("admin:agents_templateversion_change", args=[version.pk])))
    assert "Billing desk billing Refunds and invoices." in words
    assert "get_order reads; needs no approval" in words
    assert (
        "refund_order by amount: the customer approves up to 50, staff approve up to 500, never above"
        in words
    )
    assert "tool_of_old no longer installed here" in words
    assert "I want my money back" in words
    assert "slug: shop" in words
    assert "1 (current)" in words


def test_the_yaml_shown_can_be_loaded_again(version):
    spec = read_template(SHOP, source="x.yaml")
    text = as_yaml(spec)
    assert yaml.safe_load(text)["slug"] == "shop"
    assert read_template(text, source="shown") == spec


def test_a_template_lists_its_versions(as_sam, version):
    spec = read_template(SHOP.replace("Hello!", "Good day!"), source="x.yaml")
    publish_version(spec, source="shop/template.yaml")
    url = reverse("admin:agents_agenttemplate_change", args=[version.template_id])
    words = words_of(as_sam.get(url))
    assert "v2 shop/template.yaml · current" in words
    assert "v1 shop/template.yaml" in words
    assert "v2" in words_of(as_sam.get(reverse("admin:agents_agenttemplate_changelist")))
    assert "Harbor Outfitters v1" in words_of(
        as_sam.get(reverse("admin:agents_templateversion_changelist"))
    )
