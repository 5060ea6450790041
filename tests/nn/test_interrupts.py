"""Ctrl-C is alive again whatever the handlers of other signals have raised, and wherever."""

import signal
import sys

import pytest

from autodiff.nn.interrupts import held_interrupts


@pytest.fixture
def presses():
    """What Ctrl-C was pressed for, by a handler that only counts."""
    pressed = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    yield pressed
    signal.signal(signal.SIGINT, before)


def test_inside_it_waits_and_afterwards_it_comes(presses):
    with held_interrupts():
        signal.raise_signal(signal.SIGINT)
        assert presses == []
    assert presses == [signal.SIGINT]
    signal.raise_signal(signal.SIGINT)
    assert len(presses) == 2


def test_a_block_that_was_never_closed_does_not_hold_it_for_ever(presses):
    """As after an exception of another handler on the way into __exit__, kept alive by its traceback."""

    def leaves():
        block = held_interrupts()
        block.__enter__()
        return block

    kept = leaves()
    signal.raise_signal(signal.SIGINT)
    assert presses == [signal.SIGINT]
    signal.raise_signal(signal.SIGINT)
    assert len(presses) == 2
    kept.__exit__(None, None, None)


@pytest.mark.skipif(sys.gettrace() is not None, reason="what a signal handler raises leaves the lock of coverage.py taken")
def test_an_exception_of_another_signal_leaves_it_alive(presses):
    class Alarm(Exception):
        pass

    def alarm(number, frame):
        raise Alarm

    before = signal.signal(signal.SIGALRM, alarm)
    try:
        for delay in (1e-6, 1e-5, 3e-5, 1e-4, 3e-4) * 20:
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                for _ in range(100):
                    with held_interrupts():
                        sum(range(20))
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Alarm:
                pass
            presses.clear()
            signal.raise_signal(signal.SIGINT)
            assert presses == [signal.SIGINT]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
