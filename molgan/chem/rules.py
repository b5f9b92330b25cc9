"""Rules on properties: published rule sets, own ranges, unwanted elements; each failure in words.

Thresholds are the published ones. The scores they are held against are RDKit's, which is not always
what the authors computed: logP is Crippen's where most of them used ClogP (they differ by about
0.5), and hydrogen bonds are counted by RDKit's definitions unless a rule says Lipinski's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from molgan.chem.rdkit_log import quiet_rdkit
from molgan.errors import ConfigError


@dataclass(frozen=True)
class Limit:
    """The range in which one score must lie.

    Args:
        score: Name of the score, a key of `molgan.chem.scores.SCORES` or `rule_scores`.
        low: Smallest value allowed, None for no limit.
        high: Largest value allowed, None for no limit.
        below: The value `high` itself is not allowed.
    """

    score: str
    low: float | None = None
    high: float | None = None
    below: bool = False

    def failure(self, scores: Mapping[str, float]) -> str | None:
        """Return ``weight 612.3 > 500``, or None if the score is in the range.

        A score that is NaN fails: what is unknown was not shown to be in the range.

        Raises:
            ConfigError: If there is no such score.
        """
        value = _score(scores, self.score)
        if math.isnan(value):
            return f"{self.score} unknown"
        if self.low is not None and value < self.low:
            return f"{self.score} {_number(value)} < {self.low:g}"
        if self.high is not None and (value > self.high or (self.below and value == self.high)):
            return f"{self.score} {_number(value)} {'>=' if self.below else '>'} {self.high:g}"
        return None


@dataclass(frozen=True)
class RuleSet:
    """Limits that belong together.

    Args:
        name: As in `RULES`.
        limits: All of them are checked.
        source: Publication.
        violations: How many limits may be broken.
        note: What a user should know.
    """

    name: str
    limits: tuple[Limit, ...]
    source: str
    violations: int = 0
    note: str = ""

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of the scores that are needed."""
        return tuple(limit.score for limit in self.limits)

    def failures(self, scores: Mapping[str, float]) -> list[str]:
        """Return what is broken in words; empty if the molecule passes.

        No more limits than `violations` broken is a pass and gives an empty list.

        Args:
            scores: Score name -> value; at least those that `scores` names.

        Raises:
            ConfigError: If a score that is needed is missing.
        """
        broken = [f for limit in self.limits if (f := limit.failure(scores)) is not None]
        return broken if len(broken) > self.violations else []


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
    logp = _score(scores, "logp")
    known = (
        _falling(logp, 3, 5)
        + _falling(_score(scores, "weight"), 360, 500)
        + _hump(_score(scores, "tpsa"))
        + _falling(_score(scores, "hbd"), 0.5, 3.5)
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


def rule_scores(mol: Chem.Mol) -> dict[str, float]:
    """Return the scores that rule sets need beyond `molgan.chem.scores`.

    ``lipinski_hbd`` and ``lipinski_hba`` (N-H and O-H bonds; N and O atoms), ``molar_refractivity``
    (Wildman and Crippen, J. Chem. Inf. Comput. Sci. 39, 868 (1999)) and ``atoms`` with hydrogens.

    Args:
        mol: Sanitised molecule.
    """
    _, refractivity = rdMolDescriptors.CalcCrippenDescriptors(mol)
    return {
        "lipinski_hbd": float(rdMolDescriptors.CalcNumLipinskiHBD(mol)),
        "lipinski_hba": float(rdMolDescriptors.CalcNumLipinskiHBA(mol)),
        "molar_refractivity": float(refractivity),
        "atoms": float(sum(1 + atom.GetTotalNumHs() for atom in mol.GetAtoms())),
    }


def rule_set(name: str) -> RuleSet:
    """Return a rule set of `RULES`.

    Raises:
        ConfigError: If there is none of that name; those there are, are listed.
    """
    if name not in RULES:
        raise ConfigError(f"there is no rule set {name!r}; known: {', '.join(RULES)}")
    return RULES[name]


def property_ranges(ranges: Mapping[str, tuple[float | None, float | None]]) -> RuleSet:
    """Return a user's own ranges as a rule set: score -> (smallest, largest), None for no limit.

    Raises:
        ConfigError: If a range is no pair, is empty, or has no limit at all.
    """
    limits = []
    for score, pair in ranges.items():
        values = list(pair) if isinstance(pair, Iterable) and not isinstance(pair, str) else []
        if len(values) != 2 or values == [None, None]:
            raise ConfigError(f"range of {score}: give [smallest, largest], null for no limit")
        if any(isinstance(v, bool) or not isinstance(v, int | float | None) for v in values):
            raise ConfigError(f"range of {score}: {pair!r} is no pair of numbers")
        low, high = values
        if low is not None and high is not None and low > high:
            raise ConfigError(f"range of {score}: {low:g} is larger than {high:g}; nothing fits")
        limits.append(Limit(score, low, high))
    return RuleSet("ranges", tuple(limits), "user")


@dataclass(frozen=True)
class Elements:
    """Elements that a molecule may consist of.

    Args:
        allowed: Symbols; hydrogen always is. The default is what docking programs and force fields
            have parameters for.

    Raises:
        ConfigError: If a symbol is none.
    """

    allowed: tuple[str, ...] = ("C", "N", "O", "F", "P", "S", "Cl", "Br", "I")
    _numbers: frozenset[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Look the symbols up."""
        object.__setattr__(self, "allowed", tuple(self.allowed))
        numbers = {_atomic_number(symbol) for symbol in self.allowed}
        object.__setattr__(self, "_numbers", frozenset(numbers | {1}))

    def failures(self, mol: Chem.Mol) -> list[str]:
        """Return ``element Se`` for every other element in the molecule, in order of occurrence."""
        others = {
            atom.GetSymbol(): None
            for atom in mol.GetAtoms()
            if atom.GetAtomicNum() not in self._numbers
        }
        return [f"element {symbol}" for symbol in others]


def _atomic_number(symbol: str) -> int:
    with quiet_rdkit():
        try:
            return int(Chem.GetPeriodicTable().GetAtomicNumber(symbol))
        except RuntimeError as error:
            raise ConfigError(f"{symbol!r} is no symbol of an element") from error


def _score(scores: Mapping[str, float], name: str) -> float:
    if name not in scores:
        raise ConfigError(f"a rule needs the score {name!r}; there are: {', '.join(scores)}")
    return float(scores[name])


def _number(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.4g}"
