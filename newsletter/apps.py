from django.apps import AppConfig


class NewsletterConfig(AppConfig):
    name = "newsletter"
    verbose_name = "Papers and letters"

    def ready(self) -> None:
        # Loaded here, not in newsletter/__init__.py: the pure core must import without Celery.
        from newsletter import celery, checks  # noqa: F401
        from newsletter.translations import install_catalogues

        install_catalogues()
