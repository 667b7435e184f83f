from django.apps import AppConfig


class EscalationConfig(AppConfig):
    name = "escalation"

    def ready(self) -> None:
        from conversations.unit import ask_along
        from escalation import selectors, subscribers

        subscribers.connect()
        ask_along(selectors.has_endpoints, selectors.ANY_ENDPOINT)
