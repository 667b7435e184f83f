"""Templates and their frozen versions."""

from __future__ import annotations

from typing import Any

from django.db import models


class AgentTemplate(models.Model):
    """An industry's support: who answers, with which tools, under which policy."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    current_version = models.ForeignKey(
        "TemplateVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        verbose_name = "template"

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """One frozen content of a template. A conversation keeps the version with which it began."""

    template = models.ForeignKey(AgentTemplate, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    checksum = models.CharField(max_length=64)
    spec = models.JSONField()
    source = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["template", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["template", "number"], name="version_number_once_a_template"
            ),
        ]
        verbose_name = "version"

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{self} is frozen; publish a new version instead")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{self} is frozen; conversations may still need it")
