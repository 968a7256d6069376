"""Every address of the site."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from newsletter.web.health import healthz, readyz
from newsletter.web.looks import show_logo, show_look

handler400 = "newsletter.web.errors.refuse_request"
handler403 = "newsletter.web.errors.refuse_access"
handler404 = "newsletter.web.errors.miss_page"
handler500 = "newsletter.web.errors.own_up"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("look.css", show_look, name="look"),
    path("logo", show_logo, name="logo"),
    path("", include("newsletter.web.urls")),
]

if settings.DEMO:
    from newsletter.web.inbox import inbox_urlpatterns

    urlpatterns += inbox_urlpatterns
