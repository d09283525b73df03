"""The image of a run's curves."""

import json

import pytest
from PIL import Image

from fasrgan_hub.training.curves import draw_curves, read_log


def write_log(path, entries):
    path.write_text("\n".join(map(json.dumps, entries)) + '\n{"step": 99, "lo')  # a plug was pulled


@pytest.fixture
def figures(monkeypatch):
    from matplotlib.figure import Figure

    drawn, save = [], Figure.savefig

    def remember(figure, *rest, **more):
        drawn.append(figure)
        save(figure, *rest, **more)

    monkeypatch.setattr(Figure, "savefig", remember)
    return drawn


def test_a_panel_for_each_metric_and_loss_and_none_is_empty(tmp_path, figures):
    log = tmp_path / "log.jsonl"
    scores = {"Set5 psnr": 30, "Set14 psnr": 27, "Set5 lpips": 0.1, "Set14 lpips": 0.2}
    entries = [
        {"step": step, "losses": dict.fromkeys("abc", 1 / step), "scores": scores} for step in (1, 2, 3)
    ]
    write_log(log, entries)
    draw_curves(log, tmp_path / "curves.png")
    visible = [axis for axis in figures[0].axes if axis.get_visible()]
    titles = [axis.get_title() for axis in visible]
    assert titles == [
        "PSNR (higher is better)",
        "LPIPS (lower is better)",
        "loss: a",
        "loss: b",
        "loss: c",
    ]
    assert [line.get_label() for line in visible[0].get_lines()] == ["Set5", "Set14"]
    assert [text.get_text() for text in visible[0].get_legend().get_texts()] == ["Set5", "Set14"]
    assert list(visible[2].get_lines()[0].get_ydata()) == [1, 1 / 2, 1 / 3]
    assert all(axis.get_lines() for axis in visible)
    with Image.open(tmp_path / "curves.png") as image:
        assert image.format == "PNG"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_step_that_was_logged_twice_counts_once_and_steps_are_in_order(tmp_path):
    log = tmp_path / "log.jsonl"
    write_log(log, [{"step": step, "losses": {"a": value}} for value, step in enumerate((1, 2, 3, 2, 4))])
    losses, scores = read_log(log)
    assert losses == {"a": [(1, 0), (2, 3), (3, 2), (4, 4)]}
    assert scores == {}


def test_a_long_series_has_its_moving_average(tmp_path, figures):
    log = tmp_path / "log.jsonl"
    write_log(log, [{"step": step, "losses": {"a": (-1) ** step}} for step in range(400)])
    draw_curves(log, tmp_path / "curves.png")
    raw, smooth = figures[0].axes[0].get_lines()
    assert len(raw.get_ydata()) == 400
    assert max(map(abs, smooth.get_ydata())) < 0.1


def test_a_log_with_nothing_to_draw_leaves_the_image(tmp_path):
    (tmp_path / "curves.png").write_text("kept")
    draw_curves(tmp_path / "log.jsonl", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_text() == "kept"
