"""Whether the clock may be believed: between two ticks it must move as far as the uptime did.

A clock that jumps a month ahead would open a month's editions and put every reader off by a month.
How long the site was down does not matter: the machine's uptime tells a jump from a night's sleep.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from newsletter.models import Source, Tick

JUMP = timedelta(hours=1)
DOWN = timedelta(minutes=15)  # without a tick, the site was down
CATCH_UP = timedelta(minutes=15)  # in which its sources are asked, one after the other
LONGEST_DOWN = timedelta(days=30)  # after a boot there is no uptime to compare with


def check_clock(now: datetime) -> str:
    """Return "" and note this minute; or why the clock cannot be believed, and note nothing.

    A clock that was set back is believed: all it can do is make the site wait.
    """
    boot, uptime = read_uptime()
    last = Tick.objects.filter(pk=boot).first()
    newest = Tick.objects.order_by("-wall").first()
    if last is not None:
        ahead = now - last.wall - timedelta(seconds=uptime - last.uptime)
        if ahead > JUMP:
            return f"the clock went {_hours(ahead)} ahead of the machine's uptime"
    elif newest is not None and now - newest.wall > LONGEST_DOWN:
        return f"it is {(now - newest.wall).days} days since the last tick"
    was_down = newest is not None and now - newest.wall > DOWN
    back_at = now if was_down or newest is None else newest.back_at
    Tick.objects.update_or_create(
        pk=boot, defaults={"wall": now, "uptime": uptime, "back_at": back_at}
    )
    return ""


def accept_clock() -> None:
    """Believe the clock as it is now, by the operator's word."""
    Tick.objects.all().delete()


def last_tick() -> datetime | None:
    """Return when the site's minute last ran, None where it never did."""
    newest = Tick.objects.order_by("-wall").first()
    return newest.wall if newest else None


def last_return() -> datetime | None:
    """Return when the site last came back from having been down, None where it never was."""
    newest = Tick.objects.order_by("-wall").first()
    return newest.back_at if newest else None


def is_catching_up(back_at: datetime | None, now: datetime) -> bool:
    """Return whether the site came back just now and has yet to ask its sources."""
    if back_at is None or not timedelta(0) <= now - back_at <= CATCH_UP:
        return False
    return Source.objects.filter(enabled=True, next_at__lte=back_at).exists()


def read_uptime() -> tuple[str, float]:
    """Return what names this run of the machine, and for how many seconds it has run.

    Read from /proc: a library that fakes the clock fakes the system's other clocks with it.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    except OSError:
        import time

        return "unknown", time.monotonic()
    return boot, uptime


def _hours(span: timedelta) -> str:
    hours = round(span.total_seconds() / 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
