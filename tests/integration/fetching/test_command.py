"""`manage.py fetch_papers`."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from newsletter.models import (
    Paper,
)
from tests.http_server import HttpServer, Reply
from tests.integration.fetching.world import (
    add_arxiv,
    add_huggingface,
)

pytestmark = pytest.mark.django_db


def test_it_fetches_by_command(
    server: HttpServer, traveller: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    add_huggingface(server, enabled=False)
    with pytest.raises(CommandError, match="no source is on"):
        call_command("fetch_papers")
    with pytest.raises(CommandError, match="'nature' is no source; there are: Hugging Face"):
        call_command("fetch_papers", "nature")
    call_command("fetch_papers", "hugging face", "--date", "2026-11-20", "--dry-run")
    assert not Paper.objects.exists()
    call_command("fetch_papers", "hugging face", "--date", "2026-11-20")
    out, err = capsys.readouterr()
    assert "Hugging Face: 1 papers, 1 unseen, 1 new, 0 refused, 1 requests" in out
    assert "Hugging Face 2026-11-20: 1 papers, 1 unseen" in err
    server.answer = Reply(b"", 500)
    with pytest.raises(CommandError, match="1 source failed"):
        call_command("fetch_papers", "hugging face")
    add_arxiv(server, "cs.LG")
    with pytest.raises(CommandError, match="arXiv shows the day it is at and no other"):
        call_command("fetch_papers", "arXiv", "--date", "2026-11-10")
    with pytest.raises(CommandError, match="2026-11-21 has not come: by UTC"):
        call_command("fetch_papers", "--date", "2026-11-21")
    with pytest.raises(CommandError, match="'soon' is no date: write it as YYYY-MM-DD"):
        call_command("fetch_papers", "--date", "soon")


def test_it_asks_the_others_where_one_cannot_be_asked_for_a_day(
    server: HttpServer, traveller: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    add_arxiv(server, "cs.LG")
    add_huggingface(server)
    call_command("fetch_papers", "--date", "2026-11-20", "--dry-run")
    call_command("fetch_papers", "--date", "2026-11-19", "--dry-run")
    out, err = capsys.readouterr()
    assert "Hugging Face: 0 papers" in out
    assert "arXiv shows the day it is at and no other: leave out --date" in err
