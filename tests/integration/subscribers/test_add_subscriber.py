"""`manage.py add_subscriber`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from subscribers.models import Subscriber
from tests.integration.subscribers.people import add_ada

pytestmark = pytest.mark.django_db


def add(*arguments: str) -> str:
    out = StringIO()
    call_command("add_subscriber", *arguments, stdout=out)
    return out.getvalue()


def test_it_adds_a_reader_and_says_when_the_first_letter_comes() -> None:
    out = add(
        *("ada@example.org", "--interest", "RL", "diffusion models", "--starred", "attention"),
        *("--timezone", "Europe/Paris", "--hour", "8:30", "--weekdays", "mon,thu", "--papers", "5"),
    )
    ada = Subscriber.objects.get()
    assert (ada.timezone, ada.weekdays, ada.papers_per_letter) == ("Europe/Paris", 0b1001, 5)
    assert f"ada@example.org is a confirmed reader, number {ada.pk}" in out
    reach = "    also finds: reinforcement learning"
    assert f"interest: attention\n  interest: RL\n{reach}\n  interest: diffusion models" in out
    assert "08:30, Europe/Paris" in out
    assert ada.consent_events.get().source == "manage.py add_subscriber"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ada@example.org"], 'no interest given: add --interest "'),
        (["ada", "--interest", "RL"], "'ada' is no mail address"),
        (["ada@example.org", "--interest", "RL", "--hour", "25"], "no hour of the day: write 0"),
        (["ada@example.org", "--interest", "RL", "--weekdays", "x"], "no day of the week"),
        (["ada@example.org", "--interest", "RL", "--papers", "31"], "from 1 to 30"),
        (["ada@example.org", "--interest", "RL", "--timezone", "Paris"], "mean Europe/Paris?"),
    ],
)
def test_it_refuses_in_one_line_with_the_mend(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError) as refused:
        add(*arguments)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.returncode == 1
    assert not Subscriber.objects.exists()


def test_it_shows_where_a_query_is_wrong() -> None:
    with pytest.raises(CommandError) as refused:
        add("ada@example.org", "--interest", "RL", "foo(bar")
    _, query, caret, mend = str(refused.value).splitlines()
    assert query == "  foo(bar"
    assert caret.startswith("     ^ ")
    assert mend


def test_it_refuses_a_reader_who_is_there() -> None:
    add_ada()
    with pytest.raises(CommandError, match="already subscribed: edit the reader in the admin"):
        add("ada@example.org", "--interest", "RL")
