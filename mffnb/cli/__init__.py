"""Commands: ``mffnb demo``, ``lab``, ``suggest``, ``unmix``, ``info``, ``formats``, ``warmup``; a module each."""

from mffnb.cli.command_line import main

__all__ = ["main"]
