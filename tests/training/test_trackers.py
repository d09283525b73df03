"""What trackers get, read back from the real ones where they are installed."""

import sys
from importlib.util import find_spec

import pytest
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from PIL import Image
from small import config

from fasrgan_hub.errors import UserError
from fasrgan_hub.training import trackers
from fasrgan_hub.training.command_line import load_config
from fasrgan_hub.training.config_groups import BenchmarkFolders
from fasrgan_hub.training.loop import train
from fasrgan_hub.training.nested import override
from fasrgan_hub.training.trackers import PROJECT, Trackers, accelerate_arguments, tracker_names


@pytest.fixture(autouse=True)
def fresh_accelerate():
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def installed(monkeypatch, *names):
    monkeypatch.setattr(trackers, "find_spec", lambda name: name in names or None)


def test_trackers_by_name(monkeypatch):
    installed(monkeypatch, "trackio", "wandb")
    assert tracker_names(["auto"]) == ["trackio"]
    assert tracker_names([]) == []
    assert tracker_names(["wandb", "trackio", "wandb"]) == ["wandb", "trackio"]
    with pytest.raises(UserError, match="tensorboard is not installed: pip install tensorboard"):
        tracker_names(["trackio", "tensorboard"])
    with pytest.raises(UserError, match="no tracker 'mlflow'; there are trackio, tensorboard, wandb"):
        tracker_names(["mlflow"])
    installed(monkeypatch)
    assert tracker_names(["auto"]) == []


def test_without_trackio_the_default_says_so_once_and_does_nothing(photos, tmp_path, monkeypatch, capsys):
    installed(monkeypatch)
    settings = config(photos, tmp_path, logging={"trackers": ("auto",)})
    nothing = Trackers(Accelerator(**accelerate_arguments(settings)), settings)
    nothing.log(1, {"loss": 1.0}, {"samples": tmp_path / "none.png"})
    nothing.finish()
    assert (
        capsys.readouterr().err
        == "losses and scores go to log.jsonl alone; 'pip install trackio' to look on\n"
    )


def test_a_tracker_that_does_not_start_is_one_line(photos, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise RuntimeError("api_key not configured\nand much more")

    installed(monkeypatch, "trackio")
    settings = config(photos, tmp_path, logging={"trackers": ("trackio",)})
    accelerator = Accelerator()
    accelerator.log_with = ["trackio"]
    monkeypatch.setattr(accelerator, "init_trackers", refuse)
    with pytest.raises(
        UserError, match=r"trackio cannot be started \(api_key not configured\); --logging\.trackers"
    ):
        Trackers(accelerator, settings)


def two_runs(photos, run, tracker, after=None):
    """Two steps, then `after`, then two more, each logged; the scores come from the images themselves."""
    choices = {
        "stage": "psnr",
        "checkpoints": {"every": 2},
        "validation": {"every": 2, "benchmarks": {"Six": BenchmarkFolders(str(photos))}},
        "logging": {"every": 1, "trackers": (tracker,)},
    }
    train(config(photos, run, **choices, steps=2))
    AcceleratorState._reset_state(reset_partial_state=True)
    if after:
        after()
    train(override(load_config(run), {"steps": 4}), resume=True)


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("tensorboard"), reason="tensorboard is not installed")
def test_tensorboard_has_every_step_once(photos, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    run, folder = tmp_path / "run", tmp_path / "run" / "tensorboard" / PROJECT

    def a_run_that_was_killed_had_come_further():
        with SummaryWriter(folder) as writer:
            writer.add_scalar("loss/content", 99.0, 3)

    two_runs(photos, run, "tensorboard", a_run_that_was_killed_had_come_further)
    events = EventAccumulator(str(folder), size_guidance={"images": 0})
    events.Reload()
    assert [event.step for event in events.Scalars("loss/content")] == [1, 2, 3, 4]
    assert all(0 < event.value < 1 for event in events.Scalars("loss/content"))
    assert [event.step for event in events.Scalars("Six/psnr")] == [2, 4]
    assert {"lr", "waited", "Six/ssim"} <= set(events.Tags()["scalars"])
    strips = events.Images("samples")
    assert [event.step for event in strips] == [2, 4]
    with Image.open(run / "samples" / "step-00000004.png") as strip:
        assert (strips[-1].width, strips[-1].height) == strip.size


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("trackio"), reason="trackio is not installed")
def test_trackio_goes_on_in_the_same_run(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.delenv("TRACKIO_SPACE_ID", raising=False)
    for name in [name for name in sys.modules if name.split(".")[0] == "trackio"]:
        monkeypatch.delitem(sys.modules, name)  # it reads its folder's name when it is imported
    two_runs(photos, tmp_path / "my run", "trackio")
    from trackio.sqlite_storage import SQLiteStorage

    (known_as,) = SQLiteStorage.get_runs(PROJECT)
    assert known_as.startswith("my-run-")
    rows = SQLiteStorage.get_logs(PROJECT, known_as)
    steps = [row["step"] for row in rows if "loss/content" in row]
    assert steps == [1, 2, 3, 4]
    assert [row["step"] for row in rows if "Six/psnr" in row] == [2, 4]
    assert [row["step"] for row in rows if "samples" in row] == [2, 4]


def test_steps_that_a_resumed_tracker_has_are_not_reported_again(photos, tmp_path, monkeypatch):
    class Fake:
        name = "trackio"
        main_process_only = False

        def __init__(self):
            self.tracker = type("Run", (), {"_next_step": 8})()
            self.entries = []

        def log(self, values, step):
            self.entries.append((step, values))

        def finish(self):
            self.entries.append("finished")

    monkeypatch.setattr(pytest.importorskip("trackio"), "finish", lambda: fake.finish())
    fake, settings = Fake(), config(photos, tmp_path, logging={"trackers": ("trackio",)})
    accelerator = Accelerator()
    accelerator.log_with = ["trackio"]
    started = {}

    def start(project, choices, arguments):
        started.update(arguments["trackio"], choices=choices)
        accelerator.trackers = [fake]

    monkeypatch.setattr(accelerator, "init_trackers", start)
    resumed = Trackers(accelerator, settings, run="night-1", step=5)
    assert (started["name"], started["resume"], started["choices"], resumed.run) == (
        "night-1",
        "allow",
        None,
        "night-1",
    )
    for step in range(6, 10):
        resumed.log(step, {"lr": 1.0})
    resumed.finish()
    assert fake.entries == [(8, {"lr": 1.0}), (9, {"lr": 1.0}), "finished"]
    assert Trackers(accelerator, settings).run != "night-1"
    assert started["choices"]["system"] == "fasrgan-lite"
