"""Publish templates."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from agents import registry
from agents.errors import TemplateInvalid
from agents.events import TemplatePublished, publish
from agents.loading import read_template
from agents.models import AgentTemplate, TemplateVersion
from agents.spec import TemplateSpec


@dataclass(frozen=True)
class Published:
    """A template file and the version that holds its content; `is_new`: this load made it."""

    source: str
    version: TemplateVersion
    is_new: bool


def checksum(content: dict[str, Any]) -> str:
    """Return the SHA-256 of a content as canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def publish_version(spec: TemplateSpec, *, source: str) -> TemplateVersion:
    """Make this content the template's current version.

    Args:
        spec: The content.
        source: Where it comes from: a file's name without machine paths, or "admin".

    Returns:
        The current version itself when its content is the same, else a new one with the next
        number. Of two callers at once one makes it, and both get it.
    """
    content = spec.model_dump(mode="json")
    digest = checksum(content)
    with transaction.atomic():
        AgentTemplate.objects.get_or_create(slug=spec.slug, defaults={"name": spec.name})
        # The row's lock is what makes two publishers take turns; SQLite's IMMEDIATE does it there.
        template = AgentTemplate.objects.select_for_update().get(slug=spec.slug)
        current = template.current_version
        if current is not None and current.checksum == digest:
            return current
        last = template.versions.aggregate(last=Max("number"))["last"] or 0
        version = TemplateVersion.objects.create(
            template=template, number=last + 1, checksum=digest, spec=content, source=source
        )
        template.current_version = version
        template.name = spec.name
        template.save(update_fields=["current_version", "name"])
        publish(TemplatePublished(spec.slug, spec.name, version.number, digest, source))
    return version


def load_template_files() -> list[Published]:
    """Publish the templates of all installed apps, or none of them.

    Raises:
        TemplateInvalid: What is wrong with each bad file. Nothing has been changed.
    """
    specs = _read_files()
    published = []
    with transaction.atomic():
        for source, spec in specs:
            before = AgentTemplate.objects.filter(slug=spec.slug).values_list(
                "current_version", flat=True
            )
            known = before.first()
            version = publish_version(spec, source=source)
            published.append(Published(source, version, is_new=version.pk != known))
    return published


def _read_files() -> list[tuple[str, TemplateSpec]]:
    specs: list[tuple[str, TemplateSpec]] = []
    mistakes: list[str] = []
    sources: dict[str, str] = {}
    for file in registry.list_template_files():
        try:
            tools = registry.get_tools(file.label)
            spec = read_template(file.path, source=file.source, tools=tools)
            spec = spec.model_copy(update={"vertical": file.label})
        except TemplateInvalid as error:
            mistakes.append(str(error))
            continue
        other = sources.setdefault(spec.slug, file.source)
        if other != file.source:
            mistakes.append(f"{file.source}: slug: {spec.slug!r} is already the slug of {other}")
        specs.append((file.source, spec))
    if mistakes:
        raise TemplateInvalid("\n".join(mistakes))
    return specs


def load_all(*, reset: bool = False, with_demo: bool | None = None) -> list[str]:
    """Load the verticals: templates into versions, and their demo data. Safe to repeat.

    Args:
        reset: Bring the demo data back to how it was first loaded.
        with_demo: Whether to touch demo data at all; None: as settings.DEMO_MODE says.

    Returns:
        One line about each thing done.

    Raises:
        TemplateInvalid: A template is bad. Nothing has been changed.
    """
    lines = [
        f"{item.version} ({'new' if item.is_new else 'unchanged'}) from {item.source}"
        for item in load_template_files()
    ]
    if not (settings.DEMO_MODE if with_demo is None else with_demo):
        return lines
    for label, module in registry.list_demo_modules():
        if reset:
            module.reset()
        module.load()
        lines.append(f"{label}: demo data {'reset' if reset else 'loaded'}")
    return lines
