"""The picture of a run's curves."""

import json

from fasrgan_hub.training.curves import draw_curves, read_log


def test_every_series_has_a_panel_and_no_panel_is_empty(tmp_path, monkeypatch):
    log = tmp_path / "log.jsonl"
    entries = [
        {"step": step, "losses": dict.fromkeys("abcd", 1 / step), "scores": {"Set5 psnr": step}}
        for step in (1, 2, 3)
    ]
    log.write_text("\n".join(map(json.dumps, entries)))
    losses, scores = read_log(log)
    assert losses["a"] == [(1, 1), (2, 1 / 2), (3, 1 / 3)]
    assert scores == {"Set5 psnr": [(1, 1), (2, 2), (3, 3)]}

    from matplotlib.figure import Figure

    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *rest, **more: figures.append(figure))
    draw_curves(log, tmp_path / "curves.png")
    visible = [axis for axis in figures[0].axes if axis.get_visible()]
    assert [axis.get_title() for axis in visible] == ["a", "b", "c", "d", "SET5 PSNR"]
