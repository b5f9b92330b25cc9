"""The published rule sets, each with its source.

Thresholds are the published ones. The scores they are held against are RDKit's, which is not always
what the authors computed: logP is Crippen's where most of them used ClogP (they differ by about
0.5), and hydrogen bonds are counted by RDKit's definitions unless a rule says Lipinski's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from molgan.chem.rules import Limit, RuleSet, score_of
from molgan.errors import ConfigError


@dataclass(frozen=True)
class CnsMpo(RuleSet):
    """CNS MPO of Wager et al., as far as it can be told without logD and pKa."""

    wanted: float = 4.0

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of the scores that are needed; ``logd`` and ``pka`` are used if they are there."""
        return ("logp", "weight", "tpsa", "hbd")

    def failures(self, scores: Mapping[str, float]) -> list[str]:
        """Return ``CNS MPO at most 3.2 < 4`` where the score cannot reach `wanted`.

        Raises:
            ConfigError: If a score that is needed is missing.
        """
        _, high = cns_mpo(scores)
        if math.isnan(high):
            return ["CNS MPO unknown"]
        return [f"CNS MPO at most {high:.2f} < {self.wanted:g}"] if high < self.wanted else []


def cns_mpo(scores: Mapping[str, float]) -> tuple[float, float]:
    """Return the lowest and highest CNS MPO that a molecule may have, each 0 to 6; high is good.

    Six desirabilities of 0 to 1 are added: ClogP (1 up to 3, 0 from 5), ClogD at pH 7.4 (1 up to 2,
    0 from 4), weight (1 up to 360, 0 from 500), TPSA (1 from 40 to 90, 0 up to 20 and from 120),
    hydrogen bond donors (1 at 0.5 or fewer, 0 from 3.5) and pKa of the strongest base (1 up to 8, 0
    from 10), with straight lines between. 4 and more is wanted; 74 % of CNS drugs have that. Wager
    et al., ACS Chem. Neurosci. 1, 435 (2010).

    RDKit knows neither logD nor pKa. Where `scores` has ``logd`` (at pH 7.4) or ``pka`` (of the
    strongest base) of some other program, they are used; with both, the two numbers are the same.
    Otherwise all that is certain is used: ionisation only lowers logD below logP, so that its part
    lies between what logP itself would give and 1; the part of pKa lies between 0 and 1.

    Args:
        scores: With ``logp``, ``weight``, ``tpsa`` and ``hbd``.

    Raises:
        ConfigError: If one of these is missing.
    """
    logp = score_of(scores, "logp")
    known = (
        _falling(logp, 3, 5)
        + _falling(score_of(scores, "weight"), 360, 500)
        + _hump(score_of(scores, "tpsa"))
        + _falling(score_of(scores, "hbd"), 0.5, 3.5)
    )
    logd, pka = scores.get("logd", math.nan), scores.get("pka", math.nan)
    low_d, high_d = (_falling(logp, 2, 4), 1.0) if math.isnan(logd) else (_falling(logd, 2, 4),) * 2
    low_p, high_p = (0.0, 1.0) if math.isnan(pka) else (_falling(pka, 8, 10),) * 2
    return known + low_d + low_p, known + high_d + high_p


def _falling(value: float, best: float, worst: float) -> float:
    if math.isnan(value):
        return math.nan
    return min(1.0, max(0.0, (worst - value) / (worst - best)))


def _hump(tpsa: float) -> float:
    return _falling(tpsa, 90, 120) if tpsa > 60 else _falling(-tpsa, -40, -20)


RULES: dict[str, RuleSet] = {
    rule.name: rule
    for rule in (
        RuleSet(
            "lipinski",
            (
                Limit("weight", high=500),
                Limit("logp", high=5),
                Limit("lipinski_hbd", high=5),
                Limit("lipinski_hba", high=10),
            ),
            "Lipinski et al., Adv. Drug Deliv. Rev. 23, 3 (1997); reprinted 46, 3 (2001)",
            violations=1,
            note="Rule of five, for oral absorption. Poor absorption is likely when two of the "
            "limits are broken, so one may be. Donors are N-H and O-H bonds, acceptors all N and O",
        ),
        RuleSet(
            "veber",
            (Limit("rotatable_bonds", high=10), Limit("tpsa", high=140)),
            "Veber et al., J. Med. Chem. 45, 2615 (2002)",
            note="Oral bioavailability in rats",
        ),
        RuleSet(
            "ghose",
            (
                Limit("weight", 160, 480),
                Limit("logp", -0.4, 5.6),
                Limit("molar_refractivity", 40, 130),
                Limit("atoms", 20, 70),
            ),
            "Ghose, Viswanadhan and Wendoloski, J. Comb. Chem. 1, 55 (1999)",
            note="The range of 80 % of known drugs; atoms are counted with hydrogens",
        ),
        RuleSet(
            "lead_like",
            (Limit("weight", 100, 350), Limit("logp", 1, 3)),
            "Teague, Davis, Leeson and Oprea, Angew. Chem. Int. Ed. 38, 3743 (1999)",
            note="Small and polar enough to grow: optimisation adds weight and logP",
        ),
        RuleSet(
            "lead_like_oprea",
            (
                Limit("weight", high=460),
                Limit("logp", -4, 4.2),
                Limit("rotatable_bonds", high=10),
                Limit("rings", high=4),
                Limit("hbd", high=5),
                Limit("hba", high=9),
            ),
            "Hann and Oprea, Curr. Opin. Chem. Biol. 8, 255 (2004)",
            note="The wider definition; its limit on solubility (log S >= -5) is left out, since "
            "nothing here computes it",
        ),
        RuleSet(
            "fragment_ro3",
            (
                Limit("weight", high=300, below=True),
                Limit("logp", high=3),
                Limit("hbd", high=3),
                Limit("hba", high=3),
                Limit("rotatable_bonds", high=3),
                Limit("tpsa", high=60),
            ),
            "Congreve, Carr, Murray and Jhoti, Drug Discov. Today 8, 876 (2003)",
            note="Rule of three. The last two limits are those that the authors offer as useful "
            "besides the four of the rule",
        ),
        CnsMpo(
            "cns_mpo",
            (),
            "Wager et al., ACS Chem. Neurosci. 1, 435 (2010)",
            note="Without logD and pKa only molecules are rejected that miss 4 of 6 whatever these "
            "are; see cns_mpo",
        ),
        RuleSet(
            "drug_like",
            (
                Limit("weight", 200, 500),
                Limit("logp", -5, 5),
                Limit("hbd", 0, 5),
                Limit("hba", 0, 10),
                Limit("formal_charge", -2, 2),
                Limit("rotatable_bonds", 0, 8),
                Limit("heavy_atoms", 15, 50),
            ),
            "Walters and Namchuk, Nat. Rev. Drug Discov. 2, 259 (2003), box 2",
            note="The property limits of REOS (rapid elimination of swill) of Vertex; its groups "
            "are not part of it, see molgan.chem.alerts",
        ),
    )
}
"""Rule sets by name."""


def rule_set(name: str) -> RuleSet:
    """Return a rule set of `RULES`.

    Args:
        name: Such as ``lipinski``.

    Raises:
        ConfigError: If there is none of that name; those there are, are listed.
    """
    if name not in RULES:
        raise ConfigError(f"there is no rule set {name!r}; known: {', '.join(RULES)}")
    return RULES[name]
