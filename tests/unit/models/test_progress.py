"""Progress of a forward pass: told to whoever listens in this context, and how a listener ends a run."""

import pytest
from small_resnets import run, small

from nonlocal_core.models import presets
from nonlocal_core.models.progress import cancellable, forward_progress, report_step


def test_progress_counts_the_bottleneck_blocks_of_this_context_only():
    network = small(presets.pyslowfast_8x8(family="c2d", depth=50, blocks=5))
    steps = []
    run(network, 4)
    with forward_progress(lambda done, total: steps.append((done, total))):
        run(network, 4)
    run(network, 4)
    assert steps == [(done, 16) for done in range(1, 17)]


def test_a_listener_can_cancel_and_leaves_nothing_behind():
    def cancel(done, total):
        raise KeyboardInterrupt

    network = small(presets.pyslowfast_8x8(family="c2d", blocks=0))
    with pytest.raises(KeyboardInterrupt), forward_progress(cancel):
        run(network, 4)
    assert run(network, 4).shape == (2, 1, 7)


def test_outside_of_the_with_nobody_is_told():
    heard = []
    with forward_progress(lambda done, total: heard.append((done, total))):
        with forward_progress(lambda done, total: heard.append((-done, total))):
            report_step(1, 5)
        report_step(2, 5)
    report_step(3, 5)
    assert heard == [(-1, 5), (2, 5)]


def test_a_cancelled_run_ends_past_code_that_catches_faults():
    """What a listener raises comes out of the ``with`` as it was, whatever is caught inside of it."""

    def leave(stage, done, total):
        raise InterruptedError(f"{stage} {done} of {total}")

    with pytest.raises(InterruptedError, match=r"^reading 1 of 3$") as raised, cancellable(leave) as report:  # noqa: PT012
        try:
            report("reading", 1, 3)
        except Exception:
            pytest.fail("a fault of the network would be made of it")
    assert raised.value.__suppress_context__


def test_a_listener_that_goes_on_hears_every_step_and_other_errors_pass():
    heard = []
    with pytest.raises(KeyError), cancellable(lambda *step: heard.append(step)) as report:  # noqa: PT012
        report("reading", 1, 3)
        raise KeyError
    assert heard == [("reading", 1, 3)]
