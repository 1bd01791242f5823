"""Walk away from a long-running notebook: its truth on your iPhone's Lock Screen."""

__version__ = "0.1.0"
