"""`manage.py import_subscribers` and the import behind it."""

from __future__ import annotations

import csv
import resource
from collections.abc import Iterator
from datetime import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from subscribers import imports, services
from subscribers.models import ConsentEvent, Interest, Query, Subscriber
from subscribers.tables import read_table
from tests.integration.subscribers.people import NOW, add_ada

pytestmark = pytest.mark.django_db

HEADER = "email,interests,timezone,hour"
GOOD = "RL; graph neural network,Europe/Paris,8"


def write(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def run(path: Path, *options: str) -> str:
    out = StringIO()
    call_command("import_subscribers", str(path), *options, stdout=out)
    return out.getvalue()


def read_refused(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_imports_readers_with_their_interests(tmp_path: Path) -> None:
    path = write(
        tmp_path / "readers.csv",
        'Ada@example.org,"RL; ""a phrase""; RL",europe/paris,8:30,"mon,tue",5',
        "bob@example.org,RL,,,,",
        header="Email,Interests,Timezone,Hour,weekdays,papers_per_letter",
    )
    assert run(path) == "2 readers: 2 added, 0 refused\n"
    ada = Subscriber.objects.get(email="ada@example.org")
    assert (ada.timezone, ada.send_time, ada.weekdays) == ("Europe/Paris", time(8, 30), 3)
    assert (ada.status, ada.papers_per_letter) == ("confirmed", 5)
    assert ada.next_send_at is not None
    assert ada.covered_until is not None
    assert [interest.text for interest in ada.interests.all()] == ["RL", '"a phrase"']
    bob = Subscriber.objects.get(email="bob@example.org")
    assert (bob.timezone, bob.send_time, bob.weekdays) == ("UTC", time(8), 127)
    assert Query.objects.count() == 2
    sources = ConsentEvent.objects.values_list("source", flat=True)
    assert list(sources) == ["manage.py import_subscribers readers.csv"] * 2
    assert not (tmp_path / "readers.refused.csv").exists()


def test_it_reports_refused_rows_and_imports_the_others(tmp_path: Path) -> None:
    add_ada()
    services.suppress_address("eve@example.org", "hard_bounce")
    path = write(
        tmp_path / "readers.csv",
        f"bob@example.org,{GOOD}",
        f"ada@example.org,{GOOD}",
        f"eve@example.org,{GOOD}",
        f"BOB@example.org,{GOOD}",
        f"nonsense,{GOOD}",
        "carl@example.org,foo(bar,UTC,8",
        "dora@example.org,RL,Mars/Base,8",
        "emil@example.org,,UTC,8",
        "fred@example.org,RL,UTC,8,extra",
        "",
        f"gina@example.org,{GOOD}",
    )
    report = tmp_path / "readers.refused.csv"
    assert run(path) == f"10 readers: 2 added, 8 refused (see {report})\n"
    rows = read_refused(report)
    assert [row["line"] for row in rows] == ["3", "4", "5", "6", "7", "8", "9", "10"]
    reasons = [
        "ada@example.org already subscribed: edit",
        "eve@example.org suppressed (hard bounce): if",
        "bob@example.org already subscribed: line 2 has the same address",
        "'nonsense' is no mail address",
        "never closed in 'foo(bar' (at character 4)",
        "'Mars/Base' is no IANA time zone",
        "no interest: write at least one",
        "5 cells under 4 columns: put a cell with a comma between quotes",
    ]
    for row, reason in zip(rows, reasons, strict=True):
        assert reason in row["reason"]
    assert rows[0]["email"] == "ada@example.org"
    assert rows[0]["interests"] == "RL; graph neural network"


def test_it_writes_no_formula_and_reads_its_own_report(tmp_path: Path) -> None:
    path = write(tmp_path / "readers.csv", '"=cmd()@example.org",-survey,+1,@8')
    run(path, "--report", str(tmp_path / "refused.csv"))
    row = read_refused(tmp_path / "refused.csv")[0]
    assert (row["email"], row["interests"]) == ("'=cmd()@example.org", "'-survey")
    assert (row["timezone"], row["hour"]) == ("'+1", "'@8")
    mended = write(
        tmp_path / "mended.csv",
        "2,why,ada@example.org,'-survey AND RL,UTC,8",
        header=f"line,reason,{HEADER}",
    )
    assert run(mended) == "1 readers: 1 added, 0 refused\n"
    assert Interest.objects.get().text == "-survey AND RL"


@pytest.mark.parametrize("start", "=+-@|\t")
def test_no_cell_of_its_report_begins_as_a_formula(tmp_path: Path, start: str) -> None:
    cells = [f'"{start}HYPERLINK(""http://evil.example"")"'] * 4
    path = write(tmp_path / "readers.csv", ",".join(cells))
    run(path, "--report", str(tmp_path / "refused.csv"))
    lines = (tmp_path / "refused.csv").read_text(encoding="utf-8").splitlines()
    header, row = csv.reader(lines)
    assert len(row) == len(header) == 6
    assert not [cell for cell in row if cell.startswith(start) or not cell]
    quoted = [cell.replace('"', '""') for cell in row]
    assert lines[1] == '"' + '","'.join(quoted) + '"'


def test_it_goes_on_after_a_line_that_is_no_csv(tmp_path: Path) -> None:
    path = write(tmp_path / "readers.csv", 'a@example.org,"RL";SAM,UTC,8', f"b@example.org,{GOOD}")
    assert run(path).startswith("2 readers: 1 added, 1 refused")
    reason = read_refused(tmp_path / "readers.refused.csv")[0]["reason"]
    assert "cannot be read as CSV" in reason
    assert "double the quotes inside" in reason


def test_it_completes_when_it_is_run_again(tmp_path: Path) -> None:
    path = write(tmp_path / "readers.csv", *(f"r{n}@example.org,{GOOD}" for n in range(30)))
    with path.open(encoding="utf-8", newline="") as lines, pytest.raises(KeyboardInterrupt):
        imports.import_readers(
            read_table(lines),
            source="a test",
            clock=lambda: NOW,
            refuse=lambda refusal: None,
            report=_interrupt,
            batch=10,
        )
    assert Subscriber.objects.count() == 10
    assert run(path).startswith("30 readers: 20 added, 10 refused")
    assert Interest.objects.count() == 60


def _interrupt(counts: imports.Counts) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no header: write email,interests,timezone,hour as its first line"),
        (b"\xff\xfee\x00m\x00", "zero bytes"),
        (b"PK\x03\x04\x00\x00", "zero bytes"),
        (f"{HEADER}\nzo\xeb@example.org,RL,UTC,8\n".encode("latin-1"), "is not in UTF-8: save it"),
        (b"email,interests,timezone\n", "no column 'hour': the columns are"),
        (b"email,interests,timezone,hour,age,town\n", "unknown column 'age', 'town': the columns"),
        (b"email;interests;timezone;hour\n", "not separated by commas"),
        (b"email,email,interests,timezone,hour\n", "a column comes twice"),
    ],
)
def test_it_refuses_a_file_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "readers.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError) as refused:
        run(path)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not Subscriber.objects.exists()


def test_it_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file or directory: check"):
        run(tmp_path / "missing.csv")


def test_it_refuses_to_write_the_report_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "readers.csv", f"a@example.org,{GOOD}")
    with pytest.raises(CommandError, match="is also the report"):
        run(path, "--report", str(path))


def test_it_reads_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "readers.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\na@example.org,{GOOD}\r\n".encode())
    assert run(path) == "1 readers: 1 added, 0 refused\n"


STATM = Path("/proc/self/statm")


@pytest.mark.skipif(not STATM.exists(), reason="resident memory is read from /proc")
def test_it_needs_no_more_memory_for_more_rows() -> None:
    resident: dict[int, int] = {}  # MiB by rows

    def measure(counts: imports.Counts) -> None:
        pages = int(STATM.read_text().split()[1])
        resident[counts.rows] = pages * resource.getpagesize() >> 20

    def lines() -> Iterator[str]:
        yield f"{HEADER}\n"
        for n in range(20_000):
            yield f"reader{n}@example.org,topic {n % 3000}; RL,Europe/Paris,8\n"

    counts = imports.import_readers(
        read_table(lines()),
        source="a test",
        clock=lambda: NOW,
        refuse=lambda refusal: None,
        report=measure,
    )
    assert (counts.added, counts.refused) == (20_000, 0)
    assert resident[20_000] - resident[5_000] <= 6
