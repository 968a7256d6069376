"""References: escaped so that TeX and reference managers read back what was written."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from newsletter.citations import Citation, list_meta, make_key, write_bibtex, write_ris

PAPER = Citation(
    title="RL for 50% of {Cats} & Dogs: x_1^2 on $5",
    authors=("Ada Example", "Ludwig van der Berg", "Sørensen"),
    abstract="One line.\nAnother one.",
    year=2026,
    day=date(2026, 3, 5),
    arxiv_id="2602.23229",
    primary_class="cs.LG",
    doi="",
    url="https://arxiv.org/abs/2602.23229",
    page="https://papers.example/p/17",
    keywords=("offline RL", "cats"),
)


def test_it_writes_bibtex() -> None:
    assert write_bibtex(PAPER) == (
        "@misc{example2026rl,\n"
        r"  title         = {{RL} for 50\% of \textbraceleft{}{Cats}\textbraceright{} \& {Dogs}: "
        r"x\_1\textasciicircum{}2 on \$5},"
        "\n"
        "  author        = {Ada Example and Ludwig van der Berg and Sørensen},\n"
        "  year          = {2026},\n"
        "  month         = mar,\n"
        "  eprint        = {2602.23229},\n"
        "  archiveprefix = {arXiv},\n"
        "  primaryclass  = {cs.LG},\n"
        "  url           = {https://arxiv.org/abs/2602.23229},\n"
        "  abstract      = {One line. Another one.},\n"
        "  keywords      = {offline RL, cats}\n"
        "}\n"
    )


def test_it_writes_ris() -> None:
    assert write_ris(PAPER).split("\r\n") == [
        "TY  - UNPB",
        "TI  - RL for 50% of {Cats} & Dogs: x_1^2 on $5",
        "AU  - Example, Ada",
        "AU  - van der Berg, Ludwig",
        "AU  - Sørensen",
        "PY  - 2026",
        "DA  - 2026/03/05/",
        "AB  - One line. Another one.",
        "DO  - 10.48550/arXiv.2602.23229",
        "UR  - https://arxiv.org/abs/2602.23229",
        "AN  - arXiv:2602.23229",
        "KW  - offline RL",
        "KW  - cats",
        "ER  - ",
        "",
    ]


def test_it_cites_a_published_paper_by_its_doi() -> None:
    paper = replace(PAPER, arxiv_id="", doi="10.1000/xyz_1", url="https://doi.org/10.1000/xyz_1")
    assert "  doi           = {10.1000/xyz_1},\n" in write_bibtex(paper)
    assert "eprint" not in write_bibtex(paper)
    assert write_ris(paper).startswith("TY  - GEN\r\n")
    assert ("citation_doi", "10.1000/xyz_1") in list_meta(paper)


def test_it_holds_names_together() -> None:
    paper = replace(PAPER, authors=("Research and Development Group", "O'Neil, Sam", "Others"))
    assert "{{Research and Development Group} and O'Neil, Sam and {Others}}" in write_bibtex(paper)
    assert "AU  - O'Neil, Sam\r\n" in write_ris(paper)


def test_it_makes_keys_of_ascii_only() -> None:
    paper = replace(PAPER, authors=("Žofie Šimková",), title="The Ångström, ever")
    assert make_key(paper) == "simkova2026angstrom"
    assert make_key(replace(PAPER, authors=(), title="机器", year=None)) == "anonymouspaper"


def test_it_tells_google_scholar() -> None:
    meta = list_meta(PAPER)
    assert [value for name, value in meta if name == "citation_author"] == list(PAPER.authors)
    assert dict(meta)["citation_publication_date"] == "2026/03/05"
    assert dict(meta)["citation_pdf_url"] == "https://arxiv.org/pdf/2602.23229"


@given(st.text(max_size=80))
def test_no_text_leaves_its_field(text: str) -> None:
    paper = replace(PAPER, title=text, abstract=text, authors=(text,), keywords=(text,))
    entry = write_bibtex(paper)
    depth = 0
    for char in entry:
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0
    assert entry.count("\n}\n") == 1
    assert all(re.match(r"[A-Z]{2}  - ", line) for line in write_ris(paper).split("\r\n")[:-1])
    assert not re.search(r"(?<!\r)\n|\r(?!\n)", write_ris(paper))
