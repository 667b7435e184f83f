from django.apps import AppConfig


class SaasConfig(AppConfig):
    name = "agents.verticals.saas"
    label = "saas"
    verbose_name = "SaaS"
