"""The measurement of an installation counts bytes and processor seconds."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import pytest

from tools import first_run


def test_the_size_leaves_out_byte_code():
    package = metadata.distribution("tqdm")
    files = [Path(str(one.locate())) for one in package.files if not one.name.endswith(".pyc")]
    assert first_run.size(package) == sum(one.stat().st_size for one in files if one.exists()) > 10_000


def test_seconds_are_those_of_the_processor_and_a_failure_is_an_error():
    waiting = first_run.seconds(["-c", "import time; time.sleep(0.3)"], dict(os.environ))
    working = first_run.seconds(["-c", "import time\nwhile time.process_time() < 0.5: pass"], dict(os.environ))
    assert waiting < 0.3
    assert working >= 0.5
    with pytest.raises(Exception, match="exit status 1"):
        first_run.seconds(["-c", "raise SystemExit(1)"], dict(os.environ))
