"""Acronyms and their long forms: `RL` also finds reinforcement learning, and the other way round.

The table here is what a new installation starts with; the operator's own is in the database. Only
what is unambiguous among papers of all fields belongs in it: not SAM, MAP, CLIP or AI, and neither
DP (differential privacy, dynamic programming), DFT (density functional theory, discrete Fourier
transform), VLA (vision-language-action, Very Large Array) nor OCR (oxygen consumption rate).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from newsletter.matching.phrases import Phrase, phrase_of
from newsletter.matching.text import BREAK, normalise
from newsletter.matching.tree import Atom, Query

Pair = tuple[str, str]


def is_short_form(text: str) -> bool:
    """Whether `text` can stand for a long form: one word that is looked for with its capitals."""
    return bool(phrase_of(text).capitals) and not any(map(str.isspace, text))


def long_key(text: str) -> str:
    """What tells long forms apart; case, plurals, accents, hyphens and LaTeX make no difference."""
    return phrase_of(text).key.replace(BREAK, "")


@dataclass(frozen=True)
class Synonyms:
    """Pairs of an acronym and a long form; one acronym may have several, one long form too."""

    pairs: tuple[Pair, ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> Synonyms:
        """The synonyms of these pairs; a pair with an empty side is left out."""
        return cls(tuple(pair for pair in pairs if all(normalise(side).words for side in pair)))

    @cached_property
    def _others(self) -> dict[Phrase, tuple[str, ...]]:
        others: dict[Phrase, list[str]] = {}
        for short, long in self.pairs:
            others.setdefault(_phrase(short), []).append(long)
            others.setdefault(_phrase(long), []).append(short)
        return {phrase: tuple(dict.fromkeys(found)) for phrase, found in others.items()}

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of all phrases of the table: a phrase with another key has no synonym."""
        return frozenset(phrase.key for phrase in self._others)

    def expand(self, atom: Atom) -> tuple[str, ...]:
        """What else an unquoted atom of a positive place finds; the acronym needs its capitals."""
        if atom.quoted or atom.field not in ("", "title", "abs") or "*" in atom.words:
            return ()
        return self._others.get(_phrase(atom.words), ())

    def also_finds(self, query: Query) -> tuple[str, ...]:
        """What the query also finds, to be shown where it is entered; exclusions never expand."""
        return tuple(dict.fromkeys(other for atom in query.atoms() for other in self.expand(atom)))


def _phrase(words: str) -> Phrase:
    """The phrase without its cuts: fine tuning, fine-tuning and finetuning are one long form."""
    found = phrase_of(words)
    return Phrase(found.key, (), found.capitals)


_TABLE = """
ADHD attention deficit hyperactivity disorder
ADMM alternating direction method of multipliers
AGI artificial general intelligence
AGN active galactic nucleus
ARIMA autoregressive integrated moving average
ASR automatic speech recognition
AutoML automated machine learning
BCI brain-computer interface
CFD computational fluid dynamics
CMOS complementary metal-oxide-semiconductor
CNN convolutional neural network
COPD chronic obstructive pulmonary disease
CoT chain of thought
CRISPR clustered regularly interspaced short palindromic repeats
DDoS distributed denial of service
DDPM denoising diffusion probabilistic model
DNN deep neural network
DPO direct preference optimization
DQN deep Q-network
DRL deep reinforcement learning
EEG electroencephalography
EHR electronic health record
ELISA enzyme-linked immunosorbent assay
FEM finite element method
FFT fast Fourier transform
FHE fully homomorphic encryption
FL federated learning
fMRI functional magnetic resonance imaging
FPGA field-programmable gate array
FRB fast radio burst
GAN generative adversarial network
GDPR General Data Protection Regulation
GNN graph neural network
GNSS global navigation satellite system
GPU graphics processing unit
GRB gamma-ray burst
GRPO group relative policy optimization
GWAS genome-wide association study
HIV human immunodeficiency virus
HMM hidden Markov model
IoT Internet of Things
IRL inverse reinforcement learning
LLM large language model
LoRA low-rank adaptation
LSTM long short-term memory
MARL multi-agent reinforcement learning
MCMC Markov chain Monte Carlo
MCTS Monte Carlo tree search
MDP Markov decision process
MILP mixed-integer linear programming
MIMO multiple-input multiple-output
MLLM multimodal large language model
MLP multilayer perceptron
MoE mixture of experts
MOF metal-organic framework
NeRF neural radiance field
NISQ noisy intermediate-scale quantum
NLG natural language generation
NLP natural language processing
NLU natural language understanding
NMR nuclear magnetic resonance
NMT neural machine translation
NTK neural tangent kernel
ODE ordinary differential equation
OFDM orthogonal frequency-division multiplexing
PCA principal component analysis
PCR polymerase chain reaction
PDE partial differential equation
PEFT parameter-efficient fine-tuning
PINN physics-informed neural network
POMDP partially observable Markov decision process
PPO proximal policy optimization
PSNR peak signal-to-noise ratio
PTQ post-training quantization
PTSD post-traumatic stress disorder
QAOA quantum approximate optimization algorithm
QAT quantization-aware training
QCD quantum chromodynamics
QEC quantum error correction
QKD quantum key distribution
RAG retrieval-augmented generation
RKHS reproducing kernel Hilbert space
RL reinforcement learning
RLAIF reinforcement learning from AI feedback
RLHF reinforcement learning from human feedback
RLVR reinforcement learning with verifiable rewards
RNN recurrent neural network
SDE stochastic differential equation
SFT supervised fine-tuning
SGD stochastic gradient descent
SLAM simultaneous localization and mapping
SNN spiking neural network
SNP single-nucleotide polymorphism
SVD singular value decomposition
SVM support vector machine
TDDFT time-dependent density functional theory
UAV unmanned aerial vehicle
VAE variational autoencoder
ViT vision transformer
VLM vision-language model
VQA visual question answering
VQE variational quantum eigensolver
XAI explainable artificial intelligence
XRD X-ray diffraction
"""
DEFAULT_SYNONYMS = Synonyms.of(
    (short, long) for short, long in (line.split(" ", 1) for line in _TABLE.split("\n") if line)
)
