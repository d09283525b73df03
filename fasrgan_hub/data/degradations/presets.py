"""The degradations by name.

`real` has the two orders of Real-ESRGAN (arXiv 2107.10833, its options for x4plus) in milder ranges. The others are
what happens to images one meets: files of the web, of cameras, and noisy ones that nothing has smoothed since.
Published ranges, and why mild ones with real codecs do more than exotic kernels, are in traiNNer-redux's
documentation. Lengths are in LR pixels, see `steps`.
"""

from .mixtures import Degradation, Mixture
from .steps import Blur, Codec, Noise, Resize

SHRINKING = {"bicubic": 0.3, "lanczos": 0.25, "bilinear": 0.2, "box": 0.12, "hamming": 0.08, "nearest": 0.05}
"""The filters that programs shrink with; nearest is rare."""

PLAIN = {"bicubic": 0.4, "bilinear": 0.4, "box": 0.2}
"""Those of Real-ESRGAN."""

WEB_FORMATS = {"jpeg": 0.75, "webp": 0.2, "avif": 0.05}
TO_LR = Resize(filters=SHRINKING)

SOFT = Blur(probability=0.3, kinds={"isotropic": 0.7, "anisotropic": 0.3}, sigma=(0.1, 0.5))
GRAIN = Noise(probability=0.25, kinds={"gaussian": 0.7, "poisson": 0.3}, sigma=(0.5, 3))
WEB_CODEC = Codec(formats=WEB_FORMATS, quality=(50, 95))

SAVED_ONCE: Degradation = (SOFT, TO_LR, GRAIN, WEB_CODEC)
SHARED_AGAIN: Degradation = (
    SOFT,
    Resize(size=(0.6, 2), filters=SHRINKING),
    GRAIN,
    Codec(formats=WEB_FORMATS, quality=(60, 95)),
    TO_LR,
    WEB_CODEC,
)
CROPPED_BETWEEN: Degradation = (
    SOFT,
    TO_LR,
    GRAIN,
    WEB_CODEC,
    Codec(formats=WEB_FORMATS, quality=(50, 95), shift=1),
)

PHOTOGRAPH: Degradation = (
    Blur(
        probability=0.8,
        kinds={"isotropic": 0.35, "anisotropic": 0.15, "generalized": 0.1, "defocus": 0.2, "motion": 0.2},
        sigma=(0.15, 0.6),
        length=(0.5, 2.5),
        radius=(0.2, 0.9),
    ),
    # Noise that arises above the LR size is correlated there, as demosaicing leaves it.
    Resize(size=(1, 2), filters={"box": 0.4, "bilinear": 0.3, "bicubic": 0.3}),
    Noise(
        probability=0.9,
        kinds={"sensor": 0.8, "gaussian": 0.2},
        sigma=(1, 8),
        photons=(200, 10_000),
        read=(1, 5),
        gray=0.2,
    ),
    Blur(probability=0.4, kinds={"isotropic": 0.7, "sinc": 0.3}, sigma=(0.15, 0.45), cutoff=(0.6, 1)),
    Resize(filters={"bicubic": 0.4, "lanczos": 0.2, "bilinear": 0.2, "box": 0.2}),
    Codec(
        formats={"jpeg": 0.9, "webp": 0.1},
        quality=(70, 97),
        subsampling={"4:4:4": 0.2, "4:2:2": 0.2, "4:2:0": 0.6},
    ),
)

# White noise of the LR size, as in crops of pictures at a high ISO, scans of film, and renders.
NOISY: Degradation = (
    SOFT,
    TO_LR,
    Noise(
        kinds={"gaussian": 0.5, "poisson": 0.25, "sensor": 0.25},
        sigma=(2, 25),
        photons=(100, 4000),
        read=(1, 6),
        gray=0.3,
    ),
)
FINE_CODEC = Codec(formats={"jpeg": 1}, quality=(75, 97))

FIRST_ORDER: Degradation = (
    Blur(
        kinds={
            "isotropic": 0.41,
            "anisotropic": 0.22,
            "generalized": 0.135,
            "plateau": 0.135,
            "sinc": 0.1,
        },
        sigma=(0.05, 0.75),
        power=(0.5, 4),
        cutoff=(0.4, 1),
    ),
    Resize(size=(0.6, 6), filters=PLAIN),
    Noise(probability=0.9, kinds={"gaussian": 0.5, "poisson": 0.5}, sigma=(1, 15), gray=0.4),
    Codec(formats={"jpeg": 0.9, "webp": 0.1}, quality=(30, 95)),
)
SECOND_ORDER: Degradation = (
    Blur(
        probability=0.5,
        kinds={"isotropic": 0.41, "anisotropic": 0.22, "generalized": 0.135, "plateau": 0.135, "sinc": 0.1},
        sigma=(0.05, 0.4),
        power=(0.5, 2),
        cutoff=(0.4, 1),
    ),
    Resize(size=(0.5, 1.2), filters=PLAIN),
    Noise(probability=0.5, kinds={"gaussian": 0.5, "poisson": 0.5}, sigma=(1, 10), gray=0.4),
)
BACK = Resize(filters=PLAIN)
RINGING = Blur(probability=0.5, kinds={"sinc": 1}, cutoff=(0.4, 1))
LAST_CODEC = Codec(formats={"jpeg": 0.9, "webp": 0.1}, quality=(30, 95))

PRESETS: dict[str, Mixture] = {
    "clean": Mixture.of(()),
    "web": Mixture(((0.55, SAVED_ONCE), (0.3, SHARED_AGAIN), (0.15, CROPPED_BETWEEN))),
    "camera": Mixture.of(PHOTOGRAPH),
    "real": Mixture(
        (
            (0.5, (*FIRST_ORDER, *SECOND_ORDER, BACK, RINGING, LAST_CODEC)),
            (0.5, (*FIRST_ORDER, *SECOND_ORDER, LAST_CODEC, BACK, RINGING)),
        )
    ),
    "noise": Mixture(((0.5, NOISY), (0.5, (*NOISY, FINE_CODEC)))),
}
"""clean: MATLAB's bicubic and nothing else, as benchmarks have it."""
