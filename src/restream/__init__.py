"""restream: keeps every IP camera of a fleet watchable."""

__version__ = "0.1.0"
