from django.apps import AppConfig


class EcommerceConfig(AppConfig):
    name = "agents.verticals.ecommerce"
    label = "ecommerce"
