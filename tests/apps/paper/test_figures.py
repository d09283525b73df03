"""The figures show their numbers and images, and refuse what they cannot show."""

import numpy as np
import pytest
import torch
from PIL import Image

from fasrgan_hub import SYSTEMS
from fasrgan_hub.apps.paper import figures
from fasrgan_hub.errors import UserError


@pytest.fixture
def drawn(monkeypatch):
    """The Figure objects that were saved, to look at what is in them."""
    kept = []
    save = figures.save_figure

    def keep(figure, target, dpi):
        kept.append(figure)
        save(figure, target, dpi)

    monkeypatch.setattr(figures, "save_figure", keep)
    return kept


def texts(figure):
    found = []
    for axis in figure.axes:
        found += [axis.get_title(), axis.get_xlabel(), axis.get_ylabel(), *(t.get_text() for t in axis.texts)]
    return " ".join(found)


def test_the_tradeoff_puts_every_method_at_its_scores(tmp_path, drawn):
    points = {"bicubic": (12.3, 0.18), "FASRGAN": (8.5, 0.03)}
    figures.draw_tradeoff(points, tmp_path / "fig5.png")
    (axis,) = drawn[0].axes
    assert [tuple(dots.get_offsets()[0]) for dots in axis.collections] == list(points.values())
    (legend,) = drawn[0].legends
    assert [text.get_text() for text in legend.get_texts()] == list(points)
    with Image.open(tmp_path / "fig5.png") as image:
        assert image.size[0] > 500


def test_crops_are_the_box_of_every_image_with_its_scores(tmp_path, drawn):
    truth = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    results = {"bicubic": truth[:36] // 2, "ours": truth[:38] // 3}
    scores = {"bicubic": {"psnr": 28.43, "lpips": 0.1791}, "ours": {"psnr": 30.0, "lpips": 0.07}}
    figures.draw_crops(truth, results, scores, (10, 5, 20, 16), tmp_path / "fig6.png", name="img 1")
    shown = [axis.images[0].get_array() for axis in drawn[0].axes]
    assert np.array_equal(shown[0], truth)
    for seen, image in zip(shown[1:], (truth, *results.values()), strict=True):
        assert np.array_equal(seen, image[5:21, 10:30])
    assert "28.43/0.1791" in texts(drawn[0]) and "PSNR/LPIPS" in texts(drawn[0])
    (box,) = drawn[0].axes[0].patches
    assert (box.get_x(), box.get_y(), box.get_width(), box.get_height()) == (10, 5, 20, 16)


@pytest.mark.parametrize("box", [(50, 0, 20, 10), (0, 30, 10, 10), (-1, 0, 5, 5), (0, 0, 0, 5)])
def test_a_box_beyond_an_image_is_refused(tmp_path, box):
    truth = np.zeros((40, 60, 3), np.uint8)
    with pytest.raises(UserError, match="box"):
        figures.draw_crops(truth, {"ours": truth[:36]}, {}, box, tmp_path / "fig6.png")
    assert not list(tmp_path.iterdir())


def test_training_curves_and_depths_show_their_numbers(tmp_path, drawn):
    curves = {"a": [(1, 0.5), (2, 0.4)], "b": [(1, 0.6), (3, 0.3)]}
    figures.draw_training(curves, "Set14 lpips", tmp_path / "fig9.svg")
    assert [line.get_xydata().tolist() for line in drawn[0].axes[0].lines] == [
        [list(point) for point in points] for points in curves.values()
    ]
    assert "Set14 LPIPS (lower is better)" in texts(drawn[0])
    scores = {"E1G16": {"psnr": 30.0, "lpips": 0.04}, "E2G15": {"psnr": 29.5, "lpips": 0.05}}
    figures.draw_depths(scores, tmp_path / "fig13.pdf")
    assert [axis.lines[0].get_ydata().tolist() for axis in drawn[1].axes] == [[30.0, 29.5], [0.04, 0.05]]
    assert "PSNR (higher is better)" in texts(drawn[1])
    assert (tmp_path / "fig13.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("system", ["fasrgan-lite", "fs-srgan-lite", "srgan-fs-lite"])
def test_features_of_the_first_block_are_what_it_gives(system):
    generator = SYSTEMS[system].build_generator(features=8).eval()
    lr = torch.rand(1, 3, 9, 7)
    maps = figures.first_block_features(generator, lr)
    first = generator.conv_first(lr) if generator.extractor is None else generator.extractor.conv_first(lr)
    trunk = generator.body if generator.extractor is None else generator.extractor.body
    torch.testing.assert_close(maps, trunk[0](first)[0].detach())
    assert maps.shape == (8, 9, 7)


def test_features_of_two_networks_stand_side_by_side(tmp_path, drawn):
    features = {"with": torch.rand(8, 9, 7), "without": torch.rand(8, 9, 7)}
    features["with"][3] *= 50
    figures.draw_features(features, tmp_path / "fig12.png", count=2)
    assert "channel 3" in texts(drawn[0]) and "without" in texts(drawn[0])
    figures.draw_features(features, tmp_path / "fig12.png", channels=[6])
    assert np.array_equal(drawn[1].axes[0].images[0].get_array(), features["with"][6])
    with pytest.raises(UserError, match="channel 8"):
        figures.draw_features(features, tmp_path / "fig12.png", channels=[8])


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"\.png"):
        figures.draw_tradeoff({"a": (1, 1)}, tmp_path / "fig5.exe")
