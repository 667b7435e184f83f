"""Reads of templates and versions."""

from __future__ import annotations

from typing import cast

from django.db.models import QuerySet

from agents.models import AgentTemplate, TemplateVersion
from agents.spec import TemplateSpec

MAX_SPECS_KEPT = 256

_specs: dict[tuple[int, str], TemplateSpec] = {}


def get_current_version(slug: str) -> TemplateVersion:
    """Return the version with which a new conversation begins.

    Raises:
        AgentTemplate.DoesNotExist: No template of that slug has been published.
    """
    template = (
        AgentTemplate.objects.filter(current_version__isnull=False)
        .select_related("current_version__template")
        .get(slug=slug)
    )
    return cast(TemplateVersion, template.current_version)


def list_templates() -> QuerySet[AgentTemplate]:
    """Return the templates that a conversation can begin with, each with its current version."""
    return AgentTemplate.objects.filter(current_version__isnull=False).select_related(
        "current_version__template"
    )


def get_spec(version: TemplateVersion) -> TemplateSpec:
    """Return a version's content; parsed once a process, as versions are frozen. No query."""
    # The checksum is in the key because a test that rolls back frees its ids for other contents.
    key = (version.pk, version.checksum)
    spec = _specs.get(key)
    if spec is None:
        spec = TemplateSpec.model_validate(version.spec)
        if len(_specs) >= MAX_SPECS_KEPT:
            _specs.clear()
        _specs[key] = spec
    return spec
