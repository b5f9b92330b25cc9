"""Training: one loop over named phases, with evaluation, collapse guard and checkpoints."""

from molgan.training.adversarial_phase import AdversarialPhase
from molgan.training.autoencoder_phase import AutoencoderPhase
from molgan.training.conditional_phase import ConditionalPhase
from molgan.training.context import AveragedNetworks, Context, Networks, RealMolecules
from molgan.training.denoising_phase import DenoisingPhase
from molgan.training.distillation_phase import DistillationPhase
from molgan.training.diversity import DiversityFilter
from molgan.training.evaluation import Evaluation, final_report, judge, library_of
from molgan.training.focus_phase import FocusPhase
from molgan.training.guard import CollapseGuard
from molgan.training.latent_phase import LatentPhase
from molgan.training.muon import MuonAdam
from molgan.training.phase import Phase
from molgan.training.refinement_phase import RefinementPhase
from molgan.training.reinforcement_phase import ReinforcementPhase
from molgan.training.trackers import JsonLines, TensorBoard, Tracker
from molgan.training.trainer import Intervals, Trainer

__all__ = [
    "AdversarialPhase",
    "AutoencoderPhase",
    "AveragedNetworks",
    "CollapseGuard",
    "ConditionalPhase",
    "Context",
    "DenoisingPhase",
    "DistillationPhase",
    "DiversityFilter",
    "Evaluation",
    "FocusPhase",
    "Intervals",
    "JsonLines",
    "LatentPhase",
    "MuonAdam",
    "Networks",
    "Phase",
    "RealMolecules",
    "RefinementPhase",
    "ReinforcementPhase",
    "TensorBoard",
    "Tracker",
    "Trainer",
    "final_report",
    "judge",
    "library_of",
]
