"""The public Python interface: one function for each thing that the command line does.

Import its names from `sertools` itself, as in `from sertools import audit`; only those are stable.
"""
