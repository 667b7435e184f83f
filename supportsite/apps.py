from django.apps import AppConfig


class SupportsiteConfig(AppConfig):
    name = "supportsite"

    def ready(self) -> None:
        # So that @shared_task belongs to this app in every process. Not in __init__.py, where the runner,
        # which needs no Celery, would wait 0.3 s for it.
        from django.conf import settings

        from supportsite import celery  # noqa: F401
        from supportsite.tracing import start_tracing

        start_tracing(settings.OTLP_ENDPOINT)


class DaphneConfig(AppConfig):
    """Daphne as an installed app: its `runserver` serves the chat's sockets.

    Its own configuration imports the whole server, with Twisted, into every process: 0.9 s and 25 MB that only
    `runserver` needs, which imports it by itself.
    """

    name = "daphne"
    verbose_name = "Daphne"
