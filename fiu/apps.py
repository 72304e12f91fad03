from django.apps import AppConfig


class FiuConfig(AppConfig):
    name = "fiu"
    default_auto_field = "django.db.models.BigAutoField"
