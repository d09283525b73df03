"""Frozen ImageNet features: the perceptual loss of Eq. 4 and the trunk of LPIPS."""

from .networks import PerceptualFeatures, feature_network

__all__ = ["PerceptualFeatures", "feature_network"]
