"""Models and finished pictures scored on benchmark sets, as in the paper's tables."""

from .report import Report
from .scoring import METRICS, evaluate

__all__ = ["METRICS", "Report", "evaluate"]
