"""The learning rate over the steps of a run."""

import math

from .config_groups import OptimizerConfig


def learning_rate_factor(config: OptimizerConfig, step: int) -> float:
    """What the learning rate is multiplied by at `step`. It does not depend on where the run will end."""
    rise = min((step + 1) / config.warmup, 1) if config.warmup else 1.0
    if config.cosine_steps:
        return rise * 0.5 * (1 + math.cos(math.pi * min(step / config.cosine_steps, 1)))
    halvings = step // config.halve_every if config.halve_every else 0
    halvings += sum(at <= step for at in config.halve_at)
    return rise * 0.5**halvings
