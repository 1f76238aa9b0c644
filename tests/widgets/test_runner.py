"""Background worker without a browser; events determine the order, not sleeps."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from mffnb.widgets.live_view import runner as module
from mffnb.widgets.live_view.runner import Runner

LONG = 20.0  # seconds; only a failing test waits so long


class Published:
    """Collects published states and lets a test wait for them."""

    def __init__(self):
        self.items = []
        self.changed = threading.Condition()

    def __call__(self, generation, parameters, state, final):
        with self.changed:
            self.items.append((generation, parameters, state, final))
            self.changed.notify_all()

    def wait_for(self, predicate):
        with self.changed:
            assert self.changed.wait_for(lambda: predicate(self.items), LONG), self.items


class Steps:
    """A solve that yields one state per permission of the test."""

    def __init__(self):
        self.closed = threading.Event()
        self.permits = threading.Semaphore(0)
        self.asked = 0  # number of requests for a permit so far
        self.changed = threading.Condition()

    def wait_until_asked(self, times):
        with self.changed:
            assert self.changed.wait_for(lambda: self.asked >= times, LONG)

    def __call__(self, parameters):
        try:
            count = 0
            while True:
                with self.changed:
                    self.asked += 1
                    self.changed.notify_all()
                assert self.permits.acquire(timeout=LONG)
                yield (parameters, count)
                count += 1
        finally:
            self.closed.set()


def count_to(n):
    yield from range(n)


@pytest.fixture
def published():
    return Published()


@pytest.fixture
def make(published):
    made = []

    def build(solve, publish=published, **options):
        made.append(Runner(solve, publish, **options))
        return made[-1]

    yield build
    for runner in made:
        runner.close()


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "mffnb-runner"]


def test_no_thread_before_the_first_submit_and_none_after_close(make):
    before = len(threads())
    runner = make(count_to)
    runner.close()
    assert len(threads()) == before

    runner = make(count_to)
    runner.submit(2)
    assert len(threads()) == before + 1
    assert all(thread.daemon for thread in threads())
    runner.wait(LONG)
    runner.close()
    runner.close()
    assert len(threads()) == before


def test_first_and_final_states_are_published(make, published):
    runner = make(count_to, frames_per_second=0.001)
    assert runner.submit(5) == 1
    assert runner.submit(7) == 2
    runner.wait(LONG)
    mine = [item for item in published.items if item[0] == 2]
    assert mine == [(2, 7, 0, False), (2, 7, 6, True)]
    assert runner.generation == 2
    assert not runner.busy


def test_frames_per_second_limit_the_states_in_between(make, published):
    runner = make(count_to, frames_per_second=1e9)
    runner.submit(50)
    runner.wait(LONG)
    assert [item[2] for item in published.items] == [*range(50), 49]
    assert [item[3] for item in published.items] == [False] * 50 + [True]


def test_a_solve_without_states_publishes_nothing(make, published):
    runner = make(count_to)
    runner.submit(0)
    runner.wait(LONG)
    assert published.items == []
    assert runner.log[-1].frames == 0


def test_solve_may_return_any_iterator(make, published):
    runner = make(iter)
    runner.submit(["a", "b"])
    runner.wait(LONG)
    assert published.items[-1] == (1, ["a", "b"], "b", True)


def test_wait_returns_at_once_when_nothing_was_submitted(make):
    make(count_to).wait(0)


def test_newest_parameters_win_and_no_older_frame_follows(make, published):
    steps = Steps()
    runner = make(steps)
    runner.submit("a")
    steps.wait_until_asked(1)
    for name in "bcd":
        runner.submit(name)
    steps.permits.release()  # "a" reaches its yield and is superseded
    assert steps.closed.wait(LONG)
    steps.wait_until_asked(2)
    steps.permits.release()
    published.wait_for(lambda items: items)
    steps.wait_until_asked(3)
    assert published.items == [(4, "d", ("d", 0), False)]
    assert [record.generation for record in runner.log] == [1]
    assert runner.log[0].abandoned
    assert runner.log[0].frames == 0
    runner.close(timeout=0)
    steps.permits.release()


def test_new_parameters_take_effect_at_the_next_yield(make):
    latencies = []
    for _ in range(20):
        begun = {"old": threading.Event(), "new": threading.Event()}

        def solve(name, begun=begun):
            begun[name].set()
            for _ in range(100_000):
                time.sleep(0.001)
                yield name

        runner = make(solve)
        runner.submit("old")
        assert begun["old"].wait(LONG)
        start = time.perf_counter()
        runner.submit("new")
        assert begun["new"].wait(LONG)
        latencies.append(time.perf_counter() - start)
        runner.close()
    assert sorted(latencies)[len(latencies) // 2] < 0.02  # one yield takes 1 ms; the margin allows for a busy machine


def test_submit_from_many_threads(make, published):
    runner = make(count_to)
    barrier = threading.Barrier(8)
    generations = []

    def submit_some(start):
        barrier.wait(LONG)
        generations.extend(runner.submit(start + i) for i in range(1, 50))

    submitters = [threading.Thread(target=submit_some, args=(100 * i,)) for i in range(8)]
    for thread in submitters:
        thread.start()
    for thread in submitters:
        thread.join(LONG)
    runner.wait(LONG)
    assert sorted(generations) == list(range(1, 8 * 49 + 1))
    assert runner.generation == published.items[-1][0] == 8 * 49
    assert published.items[-1][3]
    order = [item[0] for item in published.items]
    assert order == sorted(order)


def test_submit_does_not_block_while_publishing(make):
    publishing, release = threading.Event(), threading.Event()

    def publish(*_):
        publishing.set()
        assert release.wait(LONG)

    runner = make(count_to, publish)
    runner.submit(3)
    assert publishing.wait(LONG)
    assert runner.submit(4) == 2
    runner.acknowledge()
    release.set()
    runner.wait(LONG)


def test_exception_of_the_solve_is_raised_once_and_the_worker_continues(make, published):
    seen = []

    def solve(n):
        yield n
        if n < 0:
            raise ValueError("negative")

    runner = make(solve, on_error=seen.append)
    runner.submit(-1)
    with pytest.raises(ValueError, match="negative"):
        runner.wait(LONG)
    runner.wait(LONG)
    assert [str(error) for error in seen] == ["negative"]
    assert not any(item[3] for item in published.items)
    runner.submit(1)
    runner.wait(LONG)
    assert published.items[-1] == (2, 1, 1, True)


def test_error_when_calling_solve_and_invalid_return_value_are_raised(make):
    runner = make(lambda _: None)
    runner.submit(1)
    with pytest.raises(TypeError):
        runner.wait(LONG)
    runner = make(lambda _: 1 / 0)
    runner.submit(1)
    with pytest.raises(ZeroDivisionError):
        runner.wait(LONG)


def test_system_exit_does_not_end_the_worker(make):
    def solve(stop):
        if stop:
            raise SystemExit
        yield 1

    runner = make(solve)
    runner.submit(True)
    with pytest.raises(SystemExit):
        runner.wait(LONG)
    runner.submit(False)
    runner.wait(LONG)


def test_exception_of_publish_ends_that_solve_only(make):
    failing = [True]

    def publish(generation, parameters, state, final):
        if failing[0]:
            raise OSError("no display")

    runner = make(count_to, publish)
    runner.submit(3)
    with pytest.raises(OSError, match="no display"):
        runner.wait(LONG)
    failing[0] = False
    runner.submit(3)
    runner.wait(LONG)


def test_an_error_in_on_error_is_logged(make, caplog):
    def complain(error):
        raise RuntimeError("twice wrong")

    runner = make(lambda _: 1 / 0, on_error=complain)
    runner.submit(1)
    with pytest.raises(ZeroDivisionError):
        runner.wait(LONG)
    assert "on_error raised" in caplog.text


def test_exception_of_an_abandoned_generation_is_dropped(make):
    started, release, seen = threading.Event(), threading.Event(), []

    def solve(n):
        if n == 1:
            started.set()
            assert release.wait(LONG)
            raise ValueError("old news")
        yield n

    runner = make(solve, on_error=seen.append)
    runner.submit(1)
    assert started.wait(LONG)
    runner.submit(2)
    release.set()
    runner.wait(LONG)
    assert seen == []


def test_new_submit_clears_an_old_error(make):
    failed = threading.Event()
    runner = make(lambda n: iter([n]) if n else 1 / 0, on_error=lambda _: failed.set())
    runner.submit(0)
    assert failed.wait(LONG)
    runner.submit(1)
    runner.wait(LONG)


def test_wait_times_out_and_can_be_repeated(make):
    steps = Steps()
    runner = make(steps)
    runner.submit("a")
    with pytest.raises(TimeoutError, match="seconds"):
        runner.wait(0.01)
    assert runner.busy
    runner.close(timeout=0)
    steps.permits.release()


def test_close_during_a_solve_closes_the_generator(make):
    steps = Steps()
    runner = make(steps)
    runner.submit("a")
    steps.wait_until_asked(1)
    waiting = []

    def wait():
        try:
            runner.wait(LONG)
        except RuntimeError as error:
            waiting.append(str(error))

    waiter = threading.Thread(target=wait)
    waiter.start()
    runner.close(timeout=0)  # the solve is between two yields
    waiter.join(LONG)
    assert waiting == ["The runner was closed before the solve ended."]
    steps.permits.release()
    runner.close(timeout=LONG)
    assert steps.closed.is_set()
    assert runner.log[-1].abandoned
    with pytest.raises(RuntimeError, match="closed"):
        runner.submit("b")


def test_close_and_wait_on_the_worker_thread(make):
    errors = []

    def publish(*_):
        try:
            runner.wait(LONG)
        except RuntimeError as error:
            errors.append(str(error))
        runner.close()

    runner = make(count_to, publish)
    runner.submit(3)
    with pytest.raises(RuntimeError, match="closed before"):
        runner.wait(LONG)
    runner.close(LONG)
    assert len(errors) == 1
    assert "wait for itself" in errors[0]


def test_wait_after_close_returns_for_a_finished_solve(make):
    runner = make(count_to)
    runner.submit(3)
    runner.wait(LONG)
    runner.close()
    runner.wait(0)


def test_no_frame_while_the_last_one_is_not_acknowledged(make, published):
    steps = Steps()
    runner = make(steps, frames_per_second=1e9, drawing_share=1e9, acknowledge_timeout=LONG)
    runner.acknowledge()  # a browser is connected
    runner.submit("a")
    steps.permits.release()
    published.wait_for(lambda items: len(items) == 1)
    steps.permits.release(5)
    steps.wait_until_asked(7)
    assert len(published.items) == 1
    runner.acknowledge()
    steps.permits.release()
    published.wait_for(lambda items: len(items) == 2)
    runner.close(timeout=0)
    steps.permits.release()


def test_a_yield_without_a_new_state_publishes_nothing_and_needs_no_acknowledgement(make, published):
    def solve(n):
        for i in range(n):
            yield i if i % 10 == 0 else None

    runner = make(solve, frames_per_second=1e9, acknowledge_timeout=LONG)
    runner.submit(31)
    published.wait_for(lambda items: items)
    for _ in range(3):
        runner.acknowledge()
    begin = time.monotonic()
    while not runner.settled(0.001):
        runner.acknowledge()
    assert time.monotonic() - begin < LONG
    assert runner.log[-1].frames <= 5
    assert {item[2] for item in published.items} <= {0, 10, 20, 30}
    assert published.items[-1] == (1, 31, 30, True)


def test_a_state_that_could_not_be_sent_is_sent_at_a_later_yield_without_a_new_state(make, published):
    waits = threading.Semaphore(0)

    def solve(name):
        yield f"{name} first"
        yield f"{name} second"
        while True:
            assert waits.acquire(timeout=LONG)
            yield None

    runner = make(solve, frames_per_second=1e9, drawing_share=1e9, acknowledge_timeout=LONG)
    runner.acknowledge()  # a browser is connected
    runner.submit("a")
    published.wait_for(lambda items: len(items) == 1)
    runner.acknowledge()
    waits.release()
    published.wait_for(lambda items: len(items) == 2)
    assert [item[2] for item in published.items] == ["a first", "a second"]
    runner.close(timeout=0)
    waits.release()


def test_a_solve_without_a_state_is_abandoned_unless_the_view_is_starved(make, published):
    """Every solve yields None until the test lets it find its state; the view still gets one while a slider moves."""
    found, asked = threading.Event(), threading.Semaphore(0)

    def solve(n):
        while not found.is_set():
            asked.release()
            time.sleep(0.001)
            yield None
        yield n

    runner = make(solve)
    for n in range(module.STARVED_AFTER + 1):
        runner.submit(n)
        assert asked.acquire(timeout=LONG)
        while len(runner.log) < n:  # the solve before has been abandoned
            time.sleep(0.001)
        while asked.acquire(blocking=False):
            pass
        assert asked.acquire(timeout=LONG)
    runner.submit(-1)
    assert [record.frames for record in runner.log] == [0] * module.STARVED_AFTER
    found.set()
    runner.wait(LONG)
    assert [item[:3] for item in published.items] == [(4, 3, 3), (5, -1, -1), (5, -1, -1)]


def test_the_final_frame_waits_for_a_slow_browser(make, published):
    exhausted = threading.Event()

    def solve(n):
        yield from range(n)
        exhausted.set()

    runner = make(solve, acknowledge_timeout=LONG)
    runner.acknowledge()
    runner.submit(3)
    assert exhausted.wait(LONG)
    assert [item[3] for item in published.items] == [False]
    runner.acknowledge()
    runner.wait(LONG)
    assert published.items[-1] == (1, 3, 2, True)


def test_the_final_frame_is_sent_when_the_acknowledgement_is_lost(make, published):
    runner = make(count_to, acknowledge_timeout=0.05)
    runner.acknowledge()
    runner.submit(3)
    runner.wait(LONG)
    assert published.items[-1] == (1, 3, 2, True)


def test_newer_parameters_replace_a_waiting_final_frame(make, published):
    exhausted = threading.Event()

    def solve(n):
        yield n
        exhausted.set()

    runner = make(solve, acknowledge_timeout=LONG)
    runner.acknowledge()
    runner.submit(1)
    assert exhausted.wait(LONG)
    exhausted.clear()
    runner.submit(2)
    assert exhausted.wait(LONG)
    runner.acknowledge()
    runner.wait(LONG)
    assert [(item[0], item[3]) for item in published.items] == [(1, False), (2, False), (2, True)]


def test_the_first_frame_of_newer_parameters_follows_at_most_one_frame_that_is_not_drawn(make, published):
    exhausted = threading.Event()

    def solve(n):
        yield n
        yield n
        exhausted.set()

    runner = make(solve, frames_per_second=1e9, acknowledge_timeout=LONG)
    runner.acknowledge()
    for n in (1, 2, 3):
        exhausted.clear()
        runner.submit(n)
        assert exhausted.wait(LONG)
    assert [item[0] for item in published.items] == [1, 2]
    runner.acknowledge()
    runner.wait(LONG)
    assert [(item[0], item[3]) for item in published.items] == [(1, False), (2, False), (3, True)]


def test_a_browser_that_draws_slowly_gets_fewer_frames(make, published):
    """With a share of one half, two frames are as far apart as twice the time that the browser needs for one."""
    needed, sent_at = 0.1, []
    stop = threading.Event()

    def solve(n):
        while not stop.is_set():
            time.sleep(0.001)
            yield n

    runner = make(solve, frames_per_second=1e9, drawing_share=0.5, acknowledge_timeout=LONG)
    runner.acknowledge()
    runner.submit(1)
    for count in range(1, 5):
        published.wait_for(lambda items, count=count: len(items) >= count)
        sent_at.append(time.perf_counter())
        time.sleep(needed)
        runner.acknowledge()
    stop.set()
    runner.acknowledge()
    assert min(b - a for a, b in itertools.pairwise(sent_at)) > 1.8 * needed


def test_without_a_browser_nothing_waits(make, published):
    runner = make(count_to, frames_per_second=1e9, acknowledge_timeout=LONG)
    start = time.perf_counter()
    runner.submit(200)
    runner.wait(LONG)
    assert time.perf_counter() - start < LONG / 2
    assert len(published.items) == 201


def test_fast_slider_changes_still_show_frames(make, published):
    """Every solve is superseded before its first state; after some of them a state is shown all the same."""
    steps = Steps()
    runner = make(steps)
    runner.submit(0)
    for n in range(1, module.STARVED_AFTER + 2):
        steps.wait_until_asked(n)
        runner.submit(n)
        steps.permits.release()
    steps.wait_until_asked(module.STARVED_AFTER + 2)
    assert published.items == [(module.STARVED_AFTER + 1, module.STARVED_AFTER, (module.STARVED_AFTER, 0), False)]
    steps.permits.release()
    published.wait_for(lambda items: len(items) == 2)
    order = [item[0] for item in published.items]
    assert order == sorted(order)
    runner.close(timeout=0)
    steps.permits.release()


def test_the_log_is_bounded_and_filled(make):
    runner = make(count_to)
    for n in range(300):
        runner.submit(n)
        runner.wait(LONG)
    assert len(runner.log) == 256
    record = runner.log[-1]
    assert record.generation == 300
    assert not record.abandoned
    assert record.latency_ms >= 0
    assert record.run_ms > 0
    assert record.frames >= 2


def test_idle_runner_releases_its_parameters(make):
    import gc
    import weakref

    class Data:
        pass

    def solve(data):
        yield 1

    runner = make(solve, lambda *_: None)
    data = Data()
    reference = weakref.ref(data)
    runner.submit(data)
    runner.wait(LONG)
    del data
    runner.submit(None)
    runner.wait(LONG)
    gc.collect()
    assert reference() is None
