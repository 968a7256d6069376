"""Celery's app with a broker that gives a task out again after two seconds."""

from newsletter.celery import app

__all__ = ["app"]

app.conf.broker_transport_options = {**app.conf.broker_transport_options, "visibility_timeout": 2}
