"""The log of a run."""

from fasrgan_hub.training.log import Log


def test_a_log_that_is_rewound_is_whole_at_every_moment(tmp_path):
    """Who has it open, or looks after a kill, finds what was there before or what is there after."""
    log = Log(tmp_path / "log.jsonl", enabled=True)
    for step in range(3):
        log.write(step=step)
    before = log.path.read_text()
    with log.path.open() as file:
        log.rewind(1)
        assert file.read() == before
    assert log.path.read_text() == '{"step": 0}\n{"step": 1}\n'
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
