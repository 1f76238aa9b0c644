"""The command line: ``mffnb lab``, ``suggest``, ``unmix``, ``info`` and so on, one module for each command."""

from mffnb.cli.command_line import main

__all__ = ["main"]
