"""What is left of memory, on systems that tell and on those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mffnb.preprocessing import memory


def told(monkeypatch, files):
    def read_text(self):
        if str(self) not in files:
            raise FileNotFoundError(self)
        return files[str(self)]

    monkeypatch.setattr(Path, "read_text", read_text)


MACHINE = {"/proc/meminfo": "MemTotal:  900 kB\nMemAvailable:  500 kB\n"}


def test_the_machine_says(monkeypatch):
    told(monkeypatch, MACHINE)
    assert memory.available_bytes() == 500 * 1024


@pytest.mark.parametrize(("limit", "expected"), [("max", 500 * 1024), ("3000", 2000), ("9000000", 500 * 1024)])
def test_a_container_may_have_less(monkeypatch, limit, expected):
    container = {"max": f"{limit}\n", "current": "1600\n", "stat": "anon 1000\nactive_file 400\ninactive_file 200\n"}
    told(monkeypatch, MACHINE | {f"/sys/fs/cgroup/memory.{name}": text for name, text in container.items()})
    assert memory.available_bytes() == expected


def test_nobody_says(monkeypatch):
    told(monkeypatch, {})
    monkeypatch.delattr(memory.os, "sysconf")
    assert memory.available_bytes() is None
