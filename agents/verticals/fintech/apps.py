from django.apps import AppConfig


class FintechConfig(AppConfig):
    name = "agents.verticals.fintech"
    label = "fintech"
