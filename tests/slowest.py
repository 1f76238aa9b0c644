"""Pytest plugin: processor and wall seconds of each test file, and how many tests were skipped for lack of data.

Processor time is that of the process that runs the tests and of the child processes that it has waited for. It is what
a test costs; wall time depends on what else the machine does.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict

import pytest

SHOWN = 15
_NAME = "cost"


def processor_seconds() -> float:
    """Return user and system time of this process and of its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Attach the cost of a test, fixtures included, to the item; the teardown report carries it."""
    item.stash[_BEGIN] = processor_seconds(), time.perf_counter()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Record what was spent since the last report in this one: reports travel from xdist's processes, items do not."""
    report = yield
    processor, wall = item.stash[_BEGIN]
    now = processor_seconds(), time.perf_counter()
    report.user_properties = [*report.user_properties, (_NAME, [now[0] - processor, now[1] - wall])]
    item.stash[_BEGIN] = now
    return report


_BEGIN = pytest.StashKey[tuple[float, float]]()


def costs(reports) -> dict[str, tuple[float, float]]:
    """Sum the processor and wall seconds of reports by file."""
    files = defaultdict(lambda: (0.0, 0.0))
    for report in reports:
        for name, cost in getattr(report, "user_properties", ()):
            if name == _NAME:
                processor, wall = files[report.location[0]]
                files[report.location[0]] = processor + cost[0], wall + cost[1]
    return dict(files)


def pytest_terminal_summary(terminalreporter):
    """Print the files that took most processor time."""
    files = costs(report for reports in terminalreporter.stats.values() for report in reports)
    if not files:
        return
    total = [sum(cost[i] for cost in files.values()) for i in (0, 1)]
    terminalreporter.section(f"slowest {SHOWN} of {len(files)} files")
    terminalreporter.write_line("processor s    wall s  file")
    for file, (processor, wall) in sorted(files.items(), key=lambda one: -one[1][0])[:SHOWN]:
        terminalreporter.write_line(f"{processor:11.1f} {wall:9.1f}  {file}")
    terminalreporter.write_line(f"{total[0]:11.1f} {total[1]:9.1f}  all files")
