"""Which checkpoints stay, and which one a run goes on from."""

from pathlib import Path

import pytest

from fasrgan_hub.training.checkpoints import load_latest, save_checkpoint


def test_the_newest_stay(tmp_path: Path) -> None:
    for step in (100, 200, 300):
        save_checkpoint(tmp_path, step, {"step": step}, keep=2)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-00000200.pt", "step-00000300.pt"]
    assert load_latest(tmp_path)["step"] == 300


def test_a_damaged_one_of_a_later_step_does_not_push_out_the_good_ones(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 100, {"step": 100}, keep=1)
    (tmp_path / "step-00000200.pt").write_bytes(b"half")
    with pytest.warns(UserWarning, match="step-00000200.pt is damaged"):
        assert load_latest(tmp_path)["step"] == 100
    save_checkpoint(tmp_path, 150, {"step": 150}, keep=1)
    assert load_latest(tmp_path)["step"] == 150
