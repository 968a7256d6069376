"""Normalisation: what is equal to matching, and where words stand in the raw text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.matching.plural import singular
from newsletter.matching.text import normalise

# Text made of what the lexer looks at, and of any Unicode, broken surrogates too.
PIECES = st.sampled_from(
    [
        *"\\{}$&<>~^_-'\"`.,()+#*/",
        "\\'e",
        '\\"{\\i}',
        "\\textbf{",
        "{\\em ",
        "\\frac{1}{2}",
        "$x_{1}$",
        "^{",
        "\\c{c}",
        "&amp;",
        "&lt;b&gt;",
        "<b>",
        "</p>",
        "LLMs",
        "pre-training",
        "\ufb01",
        "e\u0301",
        "\u202e",
        "\ud800",
        "強化",
        "ß",
        "İ",
        "\u0345",
    ]
)
ANY_TEXT = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=25).map("".join)
ANY_CHARACTERS = st.text(st.characters(exclude_categories=[]), max_size=60)


def forms(raw: str) -> str:
    return " ".join(normalise(raw).forms).replace(" \n", "|").replace("| ", "|")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Deep Learning", "deep learning"),
        ("Fr\\'echet mean", "frechet mean"),
        ('na\\"{\\i}ve naïve nai\u0308ve', "naive naive naive"),
        ('Gy\\"{o}rgy Aky\\"urek \\c{c}a \\v{s}', "gyorgy akyurek ca s"),
        ("\\textbf{L}azy {\\em linear} \\emph{x}", "lazy linear x"),
        ("90\\% of \\alpha-divergence", "90 of alpha divergence"),
        ("$O(n)$", "o|n|"),
        ("GPT-3.5 and 3.5B", "gpt 3.5 and 3.5b"),
        ("C++, C# and c", "c++|c# and c"),
        ("Don't the model's models' LLM's", "dont the model model llm"),
        ("Don’t pre‐training pre–training", "dont pre training pre training"),
        ("ﬁne ＬＬＭ Łódź Øre Æsir straße", "fine llm lodz ore aesir strasse"),
        ("soft\u00adware zero\u200bwidth", "software zerowidth"),
        ("p < 0.05 and epsilon <= 0.01", "p 0.05 and epsilon 0.01"),
        ("H<sub>2</sub>O a<br/>b", "h2o a b"),
        ("x<y and y>z; <think> hmm", "x y and y z|think hmm"),
        ("Q&amp;A &lt;i&gt;x&lt;/i&gt; R&D", "q a x r d"),
        ("state of the art. We (do)", "state of the art|we|do|"),
        ("Fig.~1 and CO$_2$", "fig|1 and co 2"),
        ("強化学習", "強 化 学 習"),
    ],
)
def test_it_reads_words(raw: str, expected: str) -> None:
    assert forms(raw) == expected


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("networks", "network"),
        ("policies", "policy"),
        ("classes", "class"),
        ("batches", "batch"),
        ("boxes", "box"),
        ("curricula", "curriculum"),
        ("matrices", "matrix"),
        ("biases", "bias"),
        ("analyses", "analysis"),
        ("sizes", "size"),
        ("topics", "topic"),
        ("gpus", "gpu"),
    ],
)
def test_it_folds_plurals(plural: str, one: str) -> None:
    assert singular(plural) == one
    assert singular(one) == one


@pytest.mark.parametrize(
    "word",
    [
        *("loss", "corpus", "analysis", "dynamics", "bias", "series", "species", "learn"),
        *("general", "generalization", "university", "universal", "learning"),
    ],
)
def test_it_folds_nothing_else(word: str) -> None:
    assert singular(word) == word


def test_it_keeps_capitals_for_acronyms() -> None:
    words = normalise("LLMs LLM llms LoRA LMS LMs MCTS MCT").words
    capitals = " ".join(word.capitals for word in words)
    assert capitals == "LLM LLM llm LoRA LMS LM MCS MCT"
    assert " ".join(word.form for word in words) == "llm llm llm lora lms lm mct mct"


@pytest.mark.parametrize(
    ("raw", "marked"),
    [
        ("a \\textbf{L}azy learner", "L}azy"),
        ('the na\\"{\\i}ve way', 'na\\"{\\i}ve'),
        ("see &amp; LLM's use", "LLM's"),
        ("oﬃce work", "oﬃce"),
    ],
)
def test_it_knows_where_words_stand(raw: str, marked: str) -> None:
    spans = [raw[token.start : token.end] for token in normalise(raw).tokens]
    assert marked in spans


@given(st.one_of(ANY_TEXT, ANY_CHARACTERS))
def test_it_reads_any_text_with_spans_inside_it(raw: str) -> None:
    last = 0
    for token in normalise(raw).tokens:
        assert 0 <= last <= token.start < token.end <= len(raw)
        assert token.word.form
        last = token.start


@given(ANY_TEXT)
def test_it_reads_a_text_the_same_twice(raw: str) -> None:
    assert normalise(raw).words == normalise(raw).words
    assert [len(word.form) for word in normalise(raw).words] == [
        len(word.capitals) for word in normalise(raw).words
    ]
