"""Plural folding and nothing more: no stemming, which would merge general and generalization."""

from __future__ import annotations

_TABLE = """
curricula:curriculum matrices:matrix indices:index vertices:vertex vortices:vortex
appendices:appendix simplices:simplex codices:codex biases:bias analyses:analysis
hypotheses:hypothesis theses:thesis syntheses:synthesis parentheses:parenthesis
diagnoses:diagnosis prognoses:prognosis crises:crisis emphases:emphasis oases:oasis axes:axis
criteria:criterion phenomena:phenomenon automata:automaton corpora:corpus genera:genus
foci:focus loci:locus nuclei:nucleus stimuli:stimulus radii:radius moduli:modulus fungi:fungus
maxima:maximum minima:minimum optima:optimum extrema:extremum spectra:spectrum quanta:quantum
momenta:momentum strata:stratum errata:erratum bacteria:bacterium millennia:millennium
desiderata:desideratum addenda:addendum memoranda:memorandum equilibria:equilibrium
schemata:schema stigmata:stigma lemmata:lemma formulae:formula antennae:antenna
larvae:larva algae:alga mice:mouse lice:louse children:child women:woman men:man people:people
leaves:leaf halves:half knives:knife shelves:shelf wolves:wolf lenses:lens gases:gas buses:bus
viruses:virus focuses:focus statuses:status bonuses:bonus campuses:campus corpuses:corpus
consensuses:consensus censuses:census choruses:chorus apparatuses:apparatus
stimuluses:stimulus genuses:genus aliases:alias canvases:canvas atlases:atlas quizzes:quiz
gpus:gpu cpus:cpu tpus:tpu npus:npu menus:menu metrics:metric topics:topic
heuristics:heuristic characteristics:characteristic critics:critic clinics:clinic
antibiotics:antibiotic relics:relic caches:cache niches:niche avalanches:avalanche
headaches:headache movies:movie cookies:cookie calories:calorie zombies:zombie selfies:selfie
shoes:shoe toes:toe
"""
_IRREGULAR = dict(pair.split(":") for pair in _TABLE.split())
_KEPT = frozenset(
    {"series", "species", "bias", "lens", "atlas", "canvas", "alias", "chaos", "news", "does"}
)
_KEPT_ENDINGS = ("ss", "us", "is", "ics")
_ES_ENDINGS = ("sses", "shes", "ches", "xes", "zzes", "oes")


def singular(word: str) -> str:
    """The singular of a casefolded word; a word that is no plural comes back as it is."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or word[-1] != "s" or word in _KEPT or word.endswith(_KEPT_ENDINGS):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(_ES_ENDINGS):
        return word[:-2]
    return word[:-1]
