"""Command line and Markdown tables of a benchmark."""

from __future__ import annotations

import argparse


def parser(description: str | None) -> argparse.ArgumentParser:
    """Parser with the docstring of the benchmark as help text, and the option ``--quick`` that all benchmarks have."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks NAME", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help="tiny problems, to check that the benchmark runs")
    return made


def print_header(*names: object) -> None:
    print_row(*names)
    print("|" + "---|" * len(names), flush=True)


def print_row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
