from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from newsletter.sources.base import SourceError
from newsletter.sources.tables import load_csv, load_json_lines
from tests.unit.sources.samples import ROOT

RECORD = {
    "title": "Kites, and Why",
    "abstract": "They “lean”.",
    "arxiv_id": "arXiv:2600.00001v2",
    "doi": "https://doi.org/10.1000/XyZ",
    "authors": "Ada Example; Noor Sample;",
    "published": "2026-03-05T17:08:18+02:00",
    "listed_on": "2026-03-06",
    "categories": "cs.CL; cs.LG",
    "organization": "Kite Lab",
    "upvotes": "10",
    "comments": " ",
    "code_url": "https://example.org/code",
    "keywords": "kites",
}


def write_csv(record: dict[str, str]) -> str:
    cells = ['"' + value.replace('"', '""') + '"' for value in record.values()]
    return ",".join(record) + "\r\n" + ",".join(cells) + "\r\n"


def test_it_reads_a_row_of_every_column() -> None:
    (paper,) = load_csv(write_csv(RECORD)).papers
    assert (paper.title, paper.arxiv_id, paper.version) == ("Kites, and Why", "2600.00001", 2)
    assert (paper.doi, paper.url) == ("10.1000/xyz", "https://arxiv.org/abs/2600.00001")
    assert paper.authors == ("Ada Example", "Noor Sample")
    assert paper.published_at == datetime(2026, 3, 5, 15, 8, 18, tzinfo=UTC)
    assert paper.listed_on == date(2026, 3, 6)
    assert (paper.categories, paper.ai_keywords) == (("cs.CL", "cs.LG"), ("kites",))
    assert (paper.upvotes, paper.comments) == (10, None)


def test_it_reads_a_line_of_json() -> None:
    lists = {"authors": ["Ada Example", "Noor Sample"], "categories": ["cs.CL", "cs.LG"]}
    counts = {"upvotes": 10, "comments": None, "keywords": ["kites"]}
    text = "\n" + json.dumps(RECORD | lists | counts) + "\r\n\n"
    assert load_json_lines(text) == load_csv(write_csv(RECORD))


def test_it_reads_a_row_with_line_breaks_and_a_byte_order_mark() -> None:
    (paper,) = load_csv('\ufeffTitle, ABSTRACT\n\nSoup,"It\ncools ""well""."\n').papers
    assert paper.abstract == 'It cools "well".'
    assert (paper.url, paper.listed_on, paper.upvotes) == ("", None, None)


def test_it_links_to_the_doi_of_a_paper_without_an_address() -> None:
    (paper,) = load_csv("title,abstract,doi\nSoup,Cools.,doi:10.1000/ab\n").papers
    assert paper.url == "https://doi.org/10.1000/ab"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("title,abstract,colour\n", "line 1: unknown column “colour”; known are title, abstract,"),
        ("title,doi\nA,B\n", "line 1: the header lacks the column abstract"),
        ("title,abstract,title\n", "line 1: the column title stands there twice"),
        ("title;abstract\nA;B\n", "line 1: the columns are parted by semicolons"),
        ("title\tabstract\nA\tB\n", "line 1: the columns are parted by tabs"),
        ("title,abstract\n", "the CSV file has a header and no rows"),
        ("title,abstract\nA,B\nC,D,E\n", "line 3: expected 2 fields as in the header, found 3"),
        ("title,abstract\nA,B\nC\n", "line 3: expected 2 fields as in the header, found 1"),
        ('title,abstract\nA,"B\nC"\nD,"E\nF', "line 4: the CSV breaks off"),
        ('title,abstract\nA,"B"C\n', "line 2: the CSV breaks off or is malformed"),
        ("title,abstract\nA, \n", "line 2, abstract: it is empty"),
        ("title,abstract,doi\nA,B,nonsense\n", "line 2, doi: “nonsense” is no DOI"),
        ("title,abstract,arxiv_id\nA,B,12\n", "line 2, arxiv_id: “12” is no arXiv identifier"),
        ("title,abstract,upvotes\nA,B,-1\n", "line 2, upvotes: “-1” is no count"),
        ("title,abstract,published\nA,B,1 May\n", "line 2, published: “1 May” is no time"),
        ("title,abstract,published\nA,B,0206-01-01\n", "line 2, published: the year 206"),
        (f"title,abstract\n{'A' * 601},B\n", "line 2, title: 601 characters are more than 600"),
        (
            "title,abstract,categories\nA,B,cs.LG cs.CL cs.CV cs.AI cs.RO cs.NE cs.IR\n",
            "more than 40",
        ),
        ("title,abstract,listed_on\nA,B,2026-02-30\n", "line 2, listed_on: “2026-02-30” is no day"),
        (
            "title,abstract,code_url\nA,B,ftp://x.org\n",
            "line 2, code_url: “ftp://x.org” is no http",
        ),
    ],
)
def test_it_refuses_a_csv_file_with_the_line(text: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        load_csv(text)


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        ('{"title": "A", "abstr', "line 2, column 16: expected one whole JSON object a line"),
        ("[1]", "line 2: expected a JSON object, found list"),
        ('{"title": "A", "abstract": "B", "tags": []}', "line 2: unknown key “tags”"),
        ('{"title": "A"}', "line 2, abstract: it is empty"),
        ('{"title": 4, "abstract": "B"}', "line 2, title: expected a string, found int"),
        ('{"title": "A", "abstract": "B", "authors": [1]}', "line 2, authors: expected a string"),
        ('{"title": "A", "abstract": "B", "upvotes": true}', "line 2, upvotes: “True” is no count"),
        ("[" * 100_000, "line 2: this JSON cannot be read"),
    ],
    ids=range(8),
)
def test_it_refuses_json_lines_with_the_line(second: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        load_json_lines('{"title": "A", "abstract": "B"}\n' + second + "\n")


def test_it_reads_the_examples_of_the_manual() -> None:
    manual = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    table = manual.split("```csv\n")[1].split("```")[0]
    lines = manual.rsplit("```json\n", 1)[1].split("```")[0]
    assert load_csv(table).papers[0].title == "A Title, with a Comma"
    assert load_json_lines(lines).papers[0].upvotes == 10
