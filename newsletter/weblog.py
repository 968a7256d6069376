"""The web server's log: `gunicorn --logger-class newsletter.weblog.WebLog`.

A line of the access log says when, what, how it ended and how long it took; not who: no address of
the visitor, no referrer, no query (it holds what people search for), no token.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

from newsletter.redaction import redact, redact_handlers


class WebLog(Logger):  # type: ignore[misc]
    """gunicorn's logger, without what identifies a person."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            redact_handlers(log)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        if not self.access_log_enabled:
            return
        self.access_log.info(
            "%s %s %s %s %s bytes %d ms",
            self.now(),
            environ.get("REQUEST_METHOD", "-"),
            redact(str(environ.get("PATH_INFO", "-"))),
            str(resp.status).split(None, 1)[0],
            getattr(resp, "sent", None) or 0,
            request_time / timedelta(milliseconds=1),
        )
