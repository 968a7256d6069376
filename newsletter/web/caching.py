"""Pages anybody may keep for a while, and ask again whether they changed (RFC 9110 §13)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control, set_response_etag
from django.views.decorators.http import require_safe

View = Callable[..., HttpResponse]
FOR_EVER = 31_536_000  # seconds: a year


def kept(seconds: int, immutable: bool = False) -> Callable[[View], View]:
    """Let caches keep what a view answers for so long; an unchanged one is a 304 without a body.

    The ETag is made of the answer itself. There is no Last-Modified: what a page leaves out, such
    as a paper that was hidden, has no time of its own.
    """

    def decorate(view: View) -> View:
        @require_safe
        @wraps(view)
        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response = view(request, *args, **kwargs)
            if response.status_code != 200:
                return response
            patch_cache_control(response, public=True, max_age=seconds)
            if immutable:
                patch_cache_control(response, immutable=True)
            set_response_etag(response)
            etag = response.get("ETag")
            answer = get_conditional_response(request, etag=etag, response=response)
            return answer if isinstance(answer, HttpResponse) else response

        return inner

    return decorate
