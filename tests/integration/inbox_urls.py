"""The demo's addresses, for tests: the site's and the inbox's."""

from newsletter.urls import urlpatterns as site_urlpatterns
from newsletter.web.inbox import inbox_urlpatterns

urlpatterns = [*site_urlpatterns, *inbox_urlpatterns]
