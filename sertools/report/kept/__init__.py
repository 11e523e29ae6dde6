"""Stores drawn figures and written pages between runs."""
