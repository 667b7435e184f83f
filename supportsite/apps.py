from django.apps import AppConfig


class SupportsiteConfig(AppConfig):
    name = "supportsite"

    def ready(self) -> None:
        # So that @shared_task belongs to this app in every process. Not in __init__.py, where the runner,
        # which needs no Celery, would wait 0.3 s for it.
        from supportsite import celery  # noqa: F401
