"""Streams of small crops."""

from fasrgan_hub.data.crops import CropStream
from fasrgan_hub.data.sources import open_source


def stream(source, **options):
    options = {"crop": 32, "crops_per_image": 2, "window": 4} | options
    return CropStream(open_source(str(source), seed=1), **options)
