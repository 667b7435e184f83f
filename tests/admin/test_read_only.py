"""What is the truth about the past cannot be added, changed or deleted here, by nobody."""

import re

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse

from agents.models import AgentTemplate, TemplateVersion
from conversations.models import Conversation, Effect, Interrupt, Run, Visitor

MODELS = [Conversation, Effect, Interrupt, Run, Visitor, AgentTemplate, TemplateVersion]


@pytest.fixture
def as_root(client, db):
    client.force_login(User.objects.create_superuser("root", password="x"))
    return client


def _url(model, verb, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{verb}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_shown_but_never_added_changed_or_deleted(as_root, talk, model):
    row = model.objects.first()
    assert as_root.get(_url(model, "changelist")).status_code == 200
    assert as_root.get(_url(model, "change", row.pk)).status_code == 200
    assert as_root.get(_url(model, "add")).status_code == 403
    assert as_root.post(_url(model, "add"), {}).status_code == 403
    assert as_root.post(_url(model, "change", row.pk), {"status": "closed"}).status_code == 403
    assert as_root.post(_url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
    as_root.post(_url(model, "changelist"), chosen)
    assert model.objects.filter(pk=row.pk).exists()


def test_staff_without_the_permission_see_nothing(client, talk):
    client.force_login(User.objects.create_user("new", password="x", is_staff=True))
    for model in MODELS:
        assert client.get(_url(model, "changelist")).status_code == 403
    page = client.get(reverse("admin:index")).content.decode()
    assert "Ana Petrova" not in page
    assert "Refund" not in page


PAGES = sorted(
    path
    for app in ("agents", "conversations", "escalation")
    for path in (settings.BASE_DIR / app / "templates" / "admin").rglob("*.html")
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_page_of_ours_has_inline_script_or_style(path):
    inline = r"<script(?![^>]*\ssrc=)|<style|\s(style|on\w+|x-\w+)\s*="
    assert re.search(inline, path.read_text()) is None


def test_every_registered_model_is_styled_by_unfold():
    from unfold.admin import ModelAdmin

    for model, model_admin in admin.site._registry.items():
        assert isinstance(model_admin, ModelAdmin), model
