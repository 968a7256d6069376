"""Every address of the site."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from newsletter.web.health import healthz, readyz

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("", include("newsletter.web.urls")),
]

if settings.DEMO:
    from newsletter.web.inbox import inbox_urlpatterns

    urlpatterns += inbox_urlpatterns
