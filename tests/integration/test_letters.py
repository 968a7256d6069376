"""Letters are joined where that is right, and composed whole where it is not."""

from __future__ import annotations

import logging

import pytest

from newsletter.mail import letters
from newsletter.mail.compose import LetterError, compose_message
from newsletter.mail.joining import Joiner
from newsletter.mail.letter import Digest, Envelope, Section
from newsletter.mail.letters import Letters, is_same_message
from newsletter.mail.render import render_digest
from tests.unit.mail.samples import make_card, make_digest, make_envelope, make_hard_digest


def whole(digest: Digest, envelope: Envelope) -> bytes:
    return compose_message(render_digest(digest), envelope)


def test_it_joins_a_letter() -> None:
    maker, digest, envelope = Letters(), make_hard_digest(), make_envelope()
    data, joined = maker.compose(digest, envelope)
    assert joined
    assert is_same_message(data, whole(digest, envelope))
    assert (maker.joined, maker.whole) == (1, 0)


def test_it_composes_whole_what_cannot_be_joined(caplog: pytest.LogCaptureFixture) -> None:
    odd = make_digest(Section("RL", "i1", (make_card("A title with \ufffe in it"),)))
    maker, envelope = Letters(), make_envelope()
    for _ in range(3):
        assert maker.compose(odd, envelope) == (whole(odd, envelope), False)
    assert maker.compose(make_digest(), envelope)[1]
    assert (maker.joined, maker.whole) == (1, 3)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_it_joins_no_more_once_a_joined_letter_differs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    join = Joiner.join

    def spoil(joiner: Joiner, digest: Digest, envelope: Envelope) -> bytes:
        return join(joiner, digest, envelope).replace(b"arXiv", b"arXxv")

    monkeypatch.setattr(Joiner, "join", spoil)
    maker, digest, envelope = Letters(), make_digest(), make_envelope()
    assert maker.compose(digest, envelope) == (whole(digest, envelope), False)
    monkeypatch.undo()
    assert maker.compose(digest, envelope) == (whole(digest, envelope), False)
    assert "differs" in caplog.text


def test_it_compares_every_thousandth_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def note(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return is_same_message(one, other)

    monkeypatch.setattr(letters, "is_same_message", note)
    monkeypatch.setattr(letters, "EVERY", 10)
    maker = Letters()
    for _ in range(25):
        maker.compose(make_digest(), make_envelope())
    assert len(compared) == 3


def test_it_refuses_what_must_not_be_sent() -> None:
    with pytest.raises(LetterError):
        Letters().compose(make_digest(unsubscribe_url="/u/x"), make_envelope())
    with pytest.raises(LetterError):
        Letters().compose(make_digest(), make_envelope(recipient="üser@example.org"))
