from __future__ import annotations

from typing import Any

import yaml
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from agents.models import AgentTemplate, TemplateVersion
from agents.registry import get_tools
from agents.selectors import get_spec
from agents.spec import TemplateSpec, ToolUse


class _ReadOnlyAdmin(ModelAdmin):
    """Templates come from files, and versions are frozen."""

    actions = None

    class Media:
        css = {"all": ["agents/admin/panels.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AgentTemplate)
class AgentTemplateAdmin(_ReadOnlyAdmin):
    list_display = ("name", "slug", "current", "version_count", "published_at")
    list_select_related = ("current_version",)
    search_fields = ("name", "slug")
    fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentTemplate]:
        queryset: QuerySet[AgentTemplate] = super().get_queryset(request)
        return queryset.annotate(version_total=Count("versions"))

    @display(description="current version")
    def current(self, template: AgentTemplate) -> SafeString | None:
        version = template.current_version
        return _version_link(version, f"v{version.number}") if version else None

    @display(description="versions")
    def version_count(self, template: Any) -> int:
        return int(template.version_total)

    @display(description="published")
    def published_at(self, template: AgentTemplate) -> Any:
        return template.current_version and template.current_version.created_at

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        template: AgentTemplate = kwargs["obj"]
        context.update(title=template.name, versions=template.versions.order_by("-number")[:200])
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page


@admin.register(TemplateVersion)
class TemplateVersionAdmin(_ReadOnlyAdmin):
    list_display = ("name", "is_current", "source", "short_checksum", "created_at")
    list_filter = ("template",)
    list_select_related = ("template",)
    search_fields = ("template__slug", "template__name", "checksum", "source")
    ordering = ("-created_at", "-id")
    fields = ("number",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TemplateVersion]:
        queryset: QuerySet[TemplateVersion] = super().get_queryset(request)
        return queryset.select_related("template").defer("spec")

    @display(description="version")
    def name(self, version: TemplateVersion) -> str:
        return str(version)

    @display(description="current", boolean=True)
    def is_current(self, version: TemplateVersion) -> bool:
        return version.template.current_version_id == version.pk

    @display(description="checksum")
    def short_checksum(self, version: TemplateVersion) -> str:
        return version.checksum[:12]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        version: TemplateVersion = kwargs["obj"]
        spec = get_spec(version)
        context.update(
            title=str(version),
            version=version,
            spec=spec,
            agents=[
                (agent, [(u.name, describe_policy(u, spec)) for u in agent.tools])
                for agent in spec.agents
            ],
            budget=_budget(spec),
            source=as_yaml(spec),
        )
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page


def _version_link(version: TemplateVersion, text: str) -> SafeString:
    url = reverse("admin:agents_templateversion_change", args=[version.pk])
    return format_html('<a class="ss-link" href="{}">{}</a>', url, text)


def describe_policy(use: ToolUse, spec: TemplateSpec) -> str:
    """Return who approves this tool's calls, in words."""
    tool = get_tools(spec.vertical).get(use.name)
    if tool is None:
        return "no longer installed here"
    if not tool.is_write:
        return "reads; needs no approval"
    if use.limits is None:
        words = {"none": "nobody needs to approve", "staff": "staff approve"}
        return words.get(use.approver or "", "the customer approves")
    bounds = (
        ("nobody needs to approve", use.limits.none),
        ("the customer approves", use.limits.customer),
        ("staff approve", use.limits.staff),
    )
    parts = [f"{who} up to {bound.normalize():f}" for who, bound in bounds if bound is not None]
    return f"by {use.limits.measure}: {', '.join(parts)}, never above"


def _budget(spec: TemplateSpec) -> str:
    tokens, cost = spec.budget.tokens, spec.budget.cost_usd
    parts = [f"{tokens:,} tokens" if tokens else "", f"${cost}" if cost else ""]
    return ", ".join(part for part in parts if part) or "none"


def as_yaml(spec: TemplateSpec) -> str:
    """Return a template as YAML that could be loaded again: what is default is left out."""
    content = spec.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
