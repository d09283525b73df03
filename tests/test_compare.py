"""scripts/compare.py draws what the models make of its inputs."""

import compare
import numpy as np
import pytest


@pytest.mark.parametrize("scale", [2, 4])
def test_columns_are_input_and_results_of_one_size(scale, monkeypatch):
    nearest = compare.Upscaler("nearest", scale=scale)
    monkeypatch.setattr(compare, "Upscaler", lambda model, scale=scale: nearest)
    sheet = np.asarray(compare.draw_sheet(["nearest", "fasrgan-x4"], compare.ROWS[:2]))
    side = compare.SIDE * compare.SCALE
    assert sheet.shape == (2 * (side + compare.CAPTION), 3 * side, 3)
    cells = [sheet[:side, column * side : (column + 1) * side] for column in range(3)]
    assert np.array_equal(cells[0], cells[1]) and np.array_equal(cells[0], cells[2])
    region = compare.read_region(compare.ROWS[0])[
        compare.CONTEXT : -compare.CONTEXT, compare.CONTEXT : -compare.CONTEXT
    ]
    assert np.array_equal(cells[0][:: compare.SCALE, :: compare.SCALE], region)
