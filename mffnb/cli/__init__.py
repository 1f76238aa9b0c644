"""The command line: ``mffnb lab``, ``unmix``, ``info``, ``formats`` and ``warmup``, one module for each command."""

from mffnb.cli.command_line import main

__all__ = ["main"]
