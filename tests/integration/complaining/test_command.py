"""manage.py complaint, as an operator runs it and as a mail server pipes into it."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from newsletter.models import Delivery
from tests.integration.admin.makers import make_deliveries, make_edition, make_readers
from tests.reports import READER, write_letter, write_report
from tests.smtp import closed_port

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.django_db


def make_letters(number: int) -> list[Delivery]:
    return make_deliveries(make_edition(), make_readers(number), "sent")


def report_of(letter: Delivery, kind: str = "abuse") -> bytes:
    fields = f"Original-Rcpt-To: {letter.subscriber.email}\r\n"
    return write_report(write_letter(letter.message_id), kind, fields=fields)


def run(*arguments: object) -> tuple[int, list[str], str]:
    """The exit code, the lines of standard output, all of standard error."""
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command("complaint", *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    assert "@" not in out.getvalue() + err.getvalue()
    return code, out.getvalue().splitlines(), err.getvalue()


def complained() -> int:
    return Delivery.objects.filter(complained_at__isnull=False).count()


def test_it_says_of_each_file_what_became_of_it(tmp_path: Path) -> None:
    first, second, third = make_letters(3)
    bad, gone = tmp_path / "b.eml", tmp_path / "gone.eml"
    (tmp_path / "a.eml").write_bytes(report_of(first))
    bad.write_bytes(b"Subject: hello\r\n\r\nstop it\r\n")
    (tmp_path / "c.eml").write_bytes(report_of(second))
    (tmp_path / "d.eml").write_bytes(report_of(third, "not-spam"))
    names = [tmp_path / "a.eml", bad, gone, tmp_path / "c.eml", tmp_path / "d.eml"]
    code, lines, errors = run(*names)
    assert (code, complained()) == (66, 2)
    assert [line.partition(": ")[0][-5:] for line in lines] == ["a.eml", "c.eml", "d.eml"]
    assert f"{bad}: not recorded: it is other mail, no feedback report" in errors
    assert f"{gone}: cannot be read: No such file" in errors
    assert run(tmp_path / "a.eml")[0] == 0
    assert run(bad, tmp_path / "a.eml")[0] == 65


def test_it_reads_an_mbox_file_and_a_maildir(tmp_path: Path) -> None:
    letters = make_letters(5)
    box = tmp_path / "reports.mbox"
    mails = [report_of(letters[0]), b"Subject: spam\n\nhello\n", report_of(letters[1])]
    box.write_bytes(b"".join(b"From fbl  Fri Nov 20 08:00:00 2026\n%s\n" % m for m in mails))
    code, lines, errors = run(box)
    assert (code, len(lines), complained()) == (65, 2, 2)
    assert "reports.mbox, mail 2: not recorded" in errors
    for folder in ("new", "cur", "tmp"):
        (tmp_path / folder).mkdir()
    (tmp_path / "new" / "1.a").write_bytes(report_of(letters[2]))
    (tmp_path / "cur" / "2.b:2,S").write_bytes(report_of(letters[3]))
    (tmp_path / "tmp" / "3.c").write_bytes(report_of(letters[4]))  # still being written
    assert run(tmp_path)[0] == 0
    assert complained() == 4
    assert run(tmp_path / "new")[0] == 66  # it is no Maildir


def test_it_believes_an_address_in_files_alone(tmp_path: Path) -> None:
    (letter,) = make_letters(1)
    path = tmp_path / f"{READER}.eml"
    path.write_bytes(write_report("", fields=f"Original-Rcpt-To: {letter.subscriber.email}\r\n"))
    code, _, errors = run(path)
    assert (code, complained(), "--trust-address" in errors) == (65, 0, True)
    assert "name them" in run("--trust-address")[2]
    assert "name them" in run("--trust-address", path, "-")[2]
    assert complained() == 0
    assert run("--trust-address", path)[0] == 0
    assert complained() == 1


def pipe(report: bytes, *, database: str = "") -> subprocess.CompletedProcess[bytes]:
    """Run the command as a mail server does: the report on standard input, nothing else."""
    name = str(connection.settings_dict["NAME"])
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    return subprocess.run(
        [sys.executable, "manage.py", "complaint", "-"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database or url},
        input=report,
        capture_output=True,
    )


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_pipes_reports_into_it() -> None:
    (letter,) = make_letters(1)
    piped = b"From fbl@provider.example  Fri Nov 20 08:01:02 2026\n" + report_of(letter)
    for said in (b"complaint recorded", b"recorded before, nothing is changed"):
        done = pipe(piped)
        assert (done.returncode, said in done.stdout) == (0, True), done.stderr
    letter.refresh_from_db()
    assert letter.complained_at is not None
    assert letter.complained_at <= timezone.now()
    for report in (write_report(), b"", b"\xff" * (10 << 20)):
        done = pipe(report)
        assert (done.returncode, done.stdout) == (65, b""), done.stderr
        assert done.stderr.startswith(b"standard input: not ")
        assert b"@" not in done.stderr


def test_a_mail_server_is_to_try_again_when_the_database_is_away() -> None:
    with closed_port() as port:
        done = pipe(write_report(), database=f"postgresql://u:p@127.0.0.1:{port}/nothing")
    assert done.returncode == 75, done.stderr
    assert b"not recorded: the database is away" in done.stderr
    assert b"Traceback" not in done.stderr
