"""Models and finished images scored on benchmark sets, as in the paper's tables."""

from ..metrics.named import METRICS
from .report import Report
from .scoring import evaluate

__all__ = ["METRICS", "Report", "evaluate"]
