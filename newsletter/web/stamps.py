"""A form's number: signed, good for one sending, neither at once nor after half a day."""

from __future__ import annotations

import secrets
import time

from django.core import signing
from django.utils.translation import gettext as _

QUICKEST = 2.0  # seconds; nobody fills the form in faster
OLDEST = 12 * 3600.0
_SIGNER = signing.Signer(salt="paper-round.subscribe-form")


class StampError(ValueError):
    """The form was not made here, or sent too soon or too late; the text is fit to be shown."""


def make_stamp() -> str:
    """Return a stamp for a form shown now."""
    return _SIGNER.sign(f"{secrets.token_urlsafe(16)}.{time.time():.1f}")


def read_stamp(text: str) -> str:
    """Return the number of a form that was sent; `StampError` with the mend."""
    nonce, age = _open(text)
    if age > OLDEST:
        raise StampError(_("This form was open for very long. Look it over and send it again."))
    if age < QUICKEST:
        raise StampError(_("That was faster than anybody reads. Look it over and send it again."))
    return nonce


def keep_stamp(text: str) -> str:
    """Return a form's stamp while it is good, so that a page in between costs no time, or a new."""
    try:
        return text if _open(text)[1] <= OLDEST else make_stamp()
    except StampError:
        return make_stamp()


def _open(text: str) -> tuple[str, float]:
    try:
        nonce, _dot, at = _SIGNER.unsign(text).partition(".")
    except signing.BadSignature as error:
        problem = _("This form came without its number. Look it over and send it again.")
        raise StampError(problem) from error
    return nonce, time.time() - float(at)
