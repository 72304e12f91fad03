from django.apps import AppConfig
from django.conf import settings


class FiuConfig(AppConfig):
    name = "fiu"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the check of fonts.

        In a scratch installation, and there alone, the clock of a process can be moved.
        """
        from fiu import fonts  # noqa: F401

        if settings.IS_SCRATCH:
            from fiu.chaos import clock

            clock.follow_file()
