"""The command line."""

from backbone.cli.app import main

__all__ = ["main"]
