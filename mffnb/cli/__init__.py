"""The command line: ``mffnb lab``, ``suggest``, ``unmix``, ``info``, ``formats`` and ``warmup``, one module each."""

from mffnb.cli.command_line import main

__all__ = ["main"]
