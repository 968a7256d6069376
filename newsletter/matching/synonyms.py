"""Acronyms and their long forms: `RL` also finds reinforcement learning, and the other way round.

Only what is unambiguous among research papers belongs in the table, so not SAM, MAP, CLIP or AI.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from newsletter.matching.phrases import Phrase, phrase_of
from newsletter.matching.text import normalise
from newsletter.matching.tree import Atom, Query

Pair = tuple[str, str]


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
AGI artificial general intelligence
ANN artificial neural network
ASR automatic speech recognition
BNN Bayesian neural network
BO Bayesian optimization
CNN convolutional neural network
CoT chain of thought
CTR click-through rate
DDPM denoising diffusion probabilistic model
DNN deep neural network
DP differential privacy
DPO direct preference optimization
DRL deep reinforcement learning
EBM energy-based model
EHR electronic health record
FHE fully homomorphic encryption
FL federated learning
FPGA field-programmable gate array
GAN generative adversarial network
GCN graph convolutional network
GNN graph neural network
GRPO group relative policy optimization
HCI human-computer interaction
HMM hidden Markov model
HPO hyperparameter optimization
ICL in-context learning
IRL inverse reinforcement learning
KD knowledge distillation
KGQA knowledge graph question answering
LDM latent diffusion model
LLM large language model
LoRA low-rank adaptation
LRM large reasoning model
LSTM long short-term memory
MARL multi-agent reinforcement learning
MCMC Markov chain Monte Carlo
MCTS Monte Carlo tree search
MDP Markov decision process
MILP mixed-integer linear programming
MLLM multimodal large language model
MLM masked language modeling
MLP multilayer perceptron
MoE mixture of experts
NAS neural architecture search
NeRF neural radiance field
NER named entity recognition
NLG natural language generation
NLI natural language inference
NLP natural language processing
NLU natural language understanding
NMT neural machine translation
NTK neural tangent kernel
OCR optical character recognition
ODE ordinary differential equation
OOD out of distribution
PCA principal component analysis
PDE partial differential equation
PEFT parameter-efficient fine-tuning
PINN physics-informed neural network
POMDP partially observable Markov decision process
PPO proximal policy optimization
PRM process reward model
PTQ post-training quantization
QAT quantization-aware training
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
SLM small language model
SNN spiking neural network
SSL self-supervised learning
SSM state space model
SVD singular value decomposition
SVM support vector machine
TTS text-to-speech
VAE variational autoencoder
ViT vision transformer
VLA vision-language-action
VLM vision-language model
VQA visual question answering
WER word error rate
XAI explainable artificial intelligence
XAI explainable AI
"""
DEFAULT_SYNONYMS = Synonyms.of(
    (short, long) for short, long in (line.split(" ", 1) for line in _TABLE.split("\n") if line)
)
