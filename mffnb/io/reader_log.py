"""Log messages of a reader, collected instead of printed."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Messages about optional packages that only choose a class of signal, which mffnb does not use.
_HARMLESS = re.compile(r"generic signal class|Cannot find package|package .* is not installed", re.I)


@contextmanager
def collected_log(name: str) -> Iterator[list[str]]:
    """Yield a list that receives the warnings which a logger gets from this thread; they are not printed.

    Parameters
    ----------
    name
        Name of the logger, with all loggers below it.
    """
    logger, thread = logging.getLogger(name), threading.get_ident()
    found: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = record.getMessage()
            if record.thread == thread and record.levelno >= logging.WARNING and not _HARMLESS.search(text):
                found.append(text)

    def of_other_threads(record: logging.LogRecord) -> bool:
        return record.thread != thread

    handlers, collector = list(logger.handlers), Collector()
    for handler in handlers:
        handler.addFilter(of_other_threads)
    logger.addHandler(collector)
    try:
        yield found
    finally:
        logger.removeHandler(collector)
        for handler in handlers:
            handler.removeFilter(of_other_threads)
