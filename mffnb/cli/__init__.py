"""The command line: ``mffnb lab``, ``mffnb unmix`` and ``mffnb warmup``, one module for each command."""

from mffnb.cli.command_line import main

__all__ = ["main"]
