"""A wish to stop is heard once, however many signals it takes, and a later one does not wait."""

import signal

import pytest

from fasrgan_hub.training import interruption as module
from fasrgan_hub.training.interruption import interruption


@pytest.fixture(autouse=True)
def hear_signals():
    """What started the tests may ignore Ctrl-C (a shell's &)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_that_a_launcher_passes_on_is_one_wish():
    with interruption() as interrupted:
        assert not interrupted.is_set()
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        assert interrupted.is_set()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_later_one_interrupts_at_once(monkeypatch):
    clock = iter([10.0, 11.9, 12.1])
    monkeypatch.setattr(module, "monotonic", lambda: next(clock))
    with pytest.raises(KeyboardInterrupt), interruption():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.raise_signal(signal.SIGINT)
