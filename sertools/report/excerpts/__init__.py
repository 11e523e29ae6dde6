"""Excerpts of long results for a page; the complete tables are in separate files."""
