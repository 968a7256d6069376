"""Acronyms defined in papers: what is found, and what only looks like a definition."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.matching.acronyms import find_definitions
from newsletter.matching.synonyms import long_key
from tests.unit.matching.papers import needs_pages, page_documents

FOUND = {
    "We use reinforcement learning (RL).": ("RL", "reinforcement learning"),
    "Large language models (LLMs) are": ("LLM", "Large language models"),
    "with proximal policy optimization (PPO)": ("PPO", "proximal policy optimization"),
    "direct preference optimization (DPO)": ("DPO", "direct preference optimization"),
    "a mixture of experts (MoE) layer": ("MoE", "mixture of experts"),
    "reinforcement learning from human feedback (RLHF)": (
        "RLHF",
        "reinforcement learning from human feedback",
    ),
    "A low-rank adaptation (LoRA)": ("LoRA", "low-rank adaptation"),
    "low‑rank adaptation (LoRA)": ("LoRA", "low‑rank adaptation"),
    "neural radiance fields (NeRFs)": ("NeRF", "neural radiance fields"),
    "a variational autoencoder (VAE)": ("VAE", "variational autoencoder"),
    "long short-term memory (LSTM)": ("LSTM", "long short-term memory"),
    "Text-to-speech (TTS)": ("TTS", "Text-to-speech"),
    "simultaneous localization and mapping (SLAM)": (
        "SLAM",
        "simultaneous localization and mapping",
    ),
    "the area under the receiver operating characteristic curve (AUROC)": (
        "AUROC",
        "area under the receiver operating characteristic curve",
    ),
    "3D Gaussian splatting (3DGS)": ("3DGS", "3D Gaussian splatting"),
    "by electroencephalography (EEG)": ("EEG", "electroencephalography"),
    "a \\textbf{graph neural network} (\\emph{GNN})": ("GNN", "graph neural network"),
    "the Fr\\'echet inception distance (FID)": ("FID", "Fréchet inception distance"),
    "empirical risk minimization (ERM; see below)": ("ERM", "empirical risk minimization"),
    "supervised fine-tuning (“SFT”)": ("SFT", "supervised fine-tuning"),
    "Games. Deep learning (DL) wins": ("DL", "Deep learning"),
    "we study RAG (retrieval-augmented generation)": ("RAG", "retrieval-augmented generation"),
    "in LLMs (large language models, that is)": ("LLM", "large language models"),
    "multi-agent\n reinforcement  learning (MARL)": ("MARL", "multi-agent reinforcement learning"),
}
FALSE_FRIENDS = [
    "the result (Fig. 2)",
    "the result (see AB)",
    "(1) first, (2) second",
    "in 2024 (12 %)",
    "one letter (A)",
    "we sample often (sam)",
    "the model learns patterns from images (LMI) and",
    "(RL)",
    "policy. Reinforcement was (RL)",
    "of the RL agent (RL)",
    "for AI (RL is another matter)",
    "GPUs (8 of them, A100)",
    "reinforcement learning (RL",
    "reinforcement learning RL)",
    "reinforcement learning ()",
    "BERT (Devlin et al., 2019)",
    "New York (USA)",
    "transformers (Figure A)",
    "policies, optimised (PO)",
]


@pytest.mark.parametrize("text", FOUND)
def test_it_finds_what_is_defined(text: str) -> None:
    [found] = find_definitions(text)
    assert (found.short, found.long) == FOUND[text]


@pytest.mark.parametrize("text", FALSE_FRIENDS)
def test_it_leaves_false_friends(text: str) -> None:
    assert find_definitions(text) == ()


def test_it_tells_where_the_words_stand_in_the_raw_text() -> None:
    raw = "On \\textbf{graph neural networks} (\\emph{GNNs}), briefly"
    [found] = find_definitions(raw)
    assert raw[slice(*found.long_span)] == "graph neural networks"
    assert raw[slice(*found.short_span)] == "GNNs"
    assert raw[found.start : found.end] == "graph neural networks} (\\emph{GNNs})"


def test_it_finds_every_definition_of_a_text() -> None:
    text = "Reinforcement learning (RL) of large language models (LLMs), or RAG (retrieval)"
    assert [found.short for found in find_definitions(text)] == ["RL", "LLM"]


def test_it_knows_long_forms_whatever_their_spelling() -> None:
    spelt = ("fine-tuning", "fine tuning", "Fine-Tunings", "finetuning", "\\emph{fine}-tuning")
    assert {long_key(text) for text in spelt} == {"finetuning"}


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=80)
    | st.lists(
        st.sampled_from(["graph", "GNNs", "(", ")", " ", "\\'e", "$", "-", "İ", "ß", ", ", "ﬁ"])
    ).map("".join)
)
def test_it_never_raises_and_stays_within_the_text(text: str) -> None:
    for raw in (text, f"{text} (GNN)", f"GNN ({text})", f"graph {text} network (GNN)"):
        for found in find_definitions(raw):
            spans = (found.short_span, found.long_span)
            assert all(found.start <= a < b <= found.end <= len(raw) for a, b in spans)
            assert find_definitions(raw) == find_definitions(raw)


@needs_pages
def test_it_finds_what_the_saved_papers_define() -> None:
    texts = [document.abstract for document in page_documents()]
    pairs = {(found.short, long_key(found.long)) for t in texts for found in find_definitions(t)}
    assert len(pairs) > 80
    for short, long in (("RL", "reinforcement learning"), ("MLE", "maximum likelihood estimation")):
        assert (short, long_key(long)) in pairs
    assert ("PPO", "policyoptimization") not in pairs
