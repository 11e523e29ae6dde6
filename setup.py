"""Packages of the wheel: `sertools/`, and `audits/` as `sertools.audits`; for all else see pyproject.toml."""

from setuptools import find_packages, setup

AUDITS = ["sertools.audits", *(f"sertools.audits.{name}" for name in find_packages("audits"))]

setup(
    packages=[*find_packages(include=["sertools", "sertools.*"]), *AUDITS],
    package_dir={"sertools.audits": "audits"},
)
