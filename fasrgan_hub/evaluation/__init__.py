"""Models and finished images scored on benchmark sets, as in the paper's tables."""

from ..metrics.named import METRICS
from .score_report import ScoreReport
from .scoring import evaluate

__all__ = ["METRICS", "ScoreReport", "evaluate"]
