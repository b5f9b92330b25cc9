"""The critic (discriminator): is this graph one of the data's?"""

from __future__ import annotations

from molgan.models.configured import rebuildable
from molgan.models.graph_scorer import GraphScorer


@rebuildable
class GraphCritic(GraphScorer):
    """Unbounded realness score of each graph: higher means more like the data.

    Arguments as in `GraphScorer` (MolGAN, section 3.2).
    """
