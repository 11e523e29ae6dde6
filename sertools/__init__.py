"""Audit a speech emotion recognition model before people rely on it."""

__version__ = "0.1.0"
