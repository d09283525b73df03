"""Table III: errors counted by hand, a stopped run that goes on, and the real classifier on real images."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision_shim  # noqa: F401 - before timm
from PIL import Image

from fasrgan_hub.apps.paper.classifiers import OFFLINE, Classifier, load_classifier
from fasrgan_hub.apps.paper.recognition import LabeledImage, errors, labeled_images, recognize
from fasrgan_hub.errors import UserError
from fasrgan_hub.upscaling.upscaler import Upscaler

EXAMPLES = Path(__file__).parents[3] / "spaces" / "upscaler" / "examples"


class Brightest(torch.nn.Module):
    """Ten classes; the guess is the mean brightness in tenths, the neighbors follow."""

    def forward(self, x):
        tenths = x.mean(dim=(1, 2, 3)) * 10
        return -(torch.arange(10) + 0.5 - tenths[:, None]).abs()


def plain(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1) / 255


CLASSIFIER = Classifier("brightest", Brightest(), plain)


def gray(name, level, label):
    return LabeledImage(name, np.full((20, 24, 3), round(level * 255), np.uint8), label)


def enlarge(pixels):
    return pixels.repeat(4, 0).repeat(4, 1)


def darken(pixels):
    return enlarge(pixels) // 2


IMAGES = [gray("a", 0.25, 2), gray("b", 0.65, 6), gray("c", 0.95, 4)]


def test_errors_are_those_counted_by_hand(tmp_path):
    table = recognize(CLASSIFIER, {"same": enlarge, "dark": darken}, IMAGES, tmp_path / "r.jsonl", batch=2)
    # c is 9 where 4 is right: not even among the five nearest (5 to 9)
    assert table["HR"] == table["same"] == {"top1": 1 / 3, "top5": 1 / 3, "n": 3}
    # halved: a is 1 (2 is near), b is 3 (6 is not among 1..5), c is 4, which is right
    assert table["dark"] == {"top1": 2 / 3, "top5": 1 / 3, "n": 3}


def test_a_stopped_run_goes_on_and_computes_only_what_is_missing(tmp_path):
    results = tmp_path / "r.jsonl"
    whole = recognize(CLASSIFIER, {"same": enlarge}, IMAGES, tmp_path / "whole.jsonl")
    recognize(CLASSIFIER, {"same": enlarge}, IMAGES[:2], results)
    with results.open("a") as file:
        file.write('{"name": "c", "lab')  # the plug was pulled here
    calls = []

    def counted(pixels):
        calls.append(pixels)
        return enlarge(pixels)

    assert recognize(CLASSIFIER, {"same": counted}, IMAGES, results) == whole
    assert len(calls) == 1
    before = results.read_bytes()
    assert recognize(CLASSIFIER, {"same": counted}, IMAGES, results) == whole
    assert len(calls) == 1 and results.read_bytes() == before
    recognize(CLASSIFIER, {"dark": darken}, IMAGES, results)
    assert recognize(CLASSIFIER, {"same": counted}, IMAGES, results) == whole and len(calls) == 1


def test_guesses_of_another_classifier_are_not_mixed_in(tmp_path):
    results = tmp_path / "r.jsonl"
    recognize(CLASSIFIER, {}, IMAGES, results)
    other = Classifier("other", Brightest(), plain)
    with pytest.raises(UserError, match="brightest"):
        recognize(other, {}, IMAGES, results)


def test_folders_of_classes(tmp_path):
    for name in ("7", "281"):
        (tmp_path / "numbers" / name).mkdir(parents=True)
        Image.new("L", (9, 8), int(name) % 256).save(tmp_path / "numbers" / name / "x.png")
    found = list(labeled_images(str(tmp_path / "numbers")))
    assert {image.label for image in found} == {7, 281} and found[0].pixels.shape == (8, 9, 3)
    for number in range(1000):
        (tmp_path / "synsets" / f"n{number:08d}").mkdir(parents=True)
    Image.new("RGB", (9, 8)).save(tmp_path / "synsets" / "n00000999" / "x.png")
    assert [image.label for image in labeled_images(str(tmp_path / "synsets"))] == [999]
    (tmp_path / "names" / "cat").mkdir(parents=True)
    with pytest.raises(UserError, match="class"):
        list(labeled_images(str(tmp_path / "names")))
    with pytest.raises(UserError, match="no folder"):
        labeled_images(str(tmp_path / "absent"))
    (tmp_path / "empty" / "3").mkdir(parents=True)
    with pytest.raises(UserError, match="no images"):
        recognize(CLASSIFIER, {}, labeled_images(str(tmp_path / "empty")), tmp_path / "r.jsonl")


def test_errors_are_a_share_of_all_rows():
    rows = [{"label": 1, "guesses": {"a": [1, 2, 3, 4, 5]}}, {"label": 5, "guesses": {"a": [1, 2, 3, 4, 5]}}]
    assert errors(rows, ["a"]) == {"a": {"top1": 0.5, "top5": 0.0, "n": 2}}


@pytest.fixture(scope="module")
def offline():
    pytest.importorskip("timm")
    try:
        return load_classifier(OFFLINE)
    except UserError as error:
        pytest.skip(f"the real weights cannot be had here: {error}")


@pytest.mark.parametrize("size", [(40, 12), (224, 300), (600, 601)])
@pytest.mark.parametrize("level", [0, 255])
def test_images_are_prepared_as_the_classifier_expects(offline, size, level):
    x = offline.prepare(np.full((*size, 3), level, np.uint8))
    torch.testing.assert_close(x, torch.full((3, 224, 224), (level - 127) / 128))


def test_the_logits_are_those_of_the_weights_own_network(offline):
    """Expected: the network of the weights' authors, written out in plain torch, whose even sides pad as TensorFlow's.

    With a pixel of padding on every side, as torch does it, the logits differ by more than 0.1.
    """
    assert sum(p.numel() for p in offline.network.parameters()) == 4_652_008
    with torch.no_grad():
        logits = offline.network(torch.linspace(-1, 1, 3 * 224 * 224).view(1, 3, 224, 224))[0]
    expected = torch.tensor([0.266000, 0.590582, 1.719743, 1.383947, 1.840026])
    torch.testing.assert_close(logits[:5], expected, atol=1e-4, rtol=0)


def test_the_real_classifier_knows_a_cat_and_an_espresso(tmp_path, offline):
    for label, name in (("282", "cat"), ("967", "coffee")):
        (tmp_path / "set" / label).mkdir(parents=True)
        (tmp_path / "set" / label / f"{name}.png").symlink_to(EXAMPLES / f"{name}.png")
    results = tmp_path / "r.jsonl"
    table = recognize(
        offline, {"bicubic": Upscaler("bicubic")}, labeled_images(str(tmp_path / "set")), results
    )
    assert table["HR"] == {"top1": 0.0, "top5": 0.0, "n": 2}
    assert table["bicubic"]["top5"] == 0.0
    assert len([json.loads(line) for line in results.read_text().splitlines()]) == 2


def test_a_folder_that_timm_saved(tmp_path):
    """Random weights; runs where the extra `recognition` is installed."""
    timm = pytest.importorskip("timm")
    network = timm.create_model("resnet18.tv_in1k")
    timm.models.save_for_hf(network, tmp_path / "saved", safe_serialization=True)
    classifier = load_classifier(str(tmp_path / "saved"))
    pixels = np.random.default_rng(0).integers(0, 256, (300, 401, 3), np.uint8)
    image = Image.fromarray(pixels).resize((int(401 * 256 / 300), 256), Image.Resampling.BILINEAR)
    left = (image.width - 224) // 2
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1)[:, 16:240, left : left + 224] / 255
    x = (x - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[
        :, None, None
    ]
    torch.testing.assert_close(classifier.prepare(pixels), x)
    table = recognize(classifier, {"same": lambda x: x}, [LabeledImage("a", pixels, 7)], tmp_path / "r.jsonl")
    assert table["HR"]["n"] == 1
    (row,) = map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
    with torch.no_grad():
        expected = network.eval()(x[None])[0].topk(5).indices.tolist()
    assert row["guesses"]["HR"] == expected and row["classifier"] == str(tmp_path / "saved")


def test_without_timm_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"fasrgan-hub\[recognition\]"):
        load_classifier(OFFLINE)


def test_a_name_that_timm_does_not_know_is_one_line():
    pytest.importorskip("timm")
    with pytest.raises(UserError, match=OFFLINE):
        load_classifier("no_such_network")
