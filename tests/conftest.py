"""Fixtures for tests in all folders."""

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOW = "needs Chromium and Playwright: apt-get install chromium; pip install '.[test]'"
os.fsync = lambda number: None
"""No test looks at what a power failure leaves; waiting for the disk took a fifteenth of the tests' time."""

gc.set_threshold(50_000, 20, 50)
REQUIRED = os.environ.get("SERTOOLS_BROWSER") == "required"
"""Continuous integration sets this, so that no test of the browser is skipped there unseen."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores: tests of commands, browsers and servers wait a fifth of their time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS", cores + 1))


def pytest_collection_finish():
    """What ten thousand tests and all libraries hold is not searched for garbage again and again."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _library_folders():
    """Forgets the folders that a command with --cache has told libraries, when its test ends."""
    names = ("MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR", "NUMBA_CACHE_DIR")
    before = {name: os.environ.get(name) for name in names}
    yield
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def made_once(factory: pytest.TempPathFactory, name: str, code: str, start: Path | None = None) -> Path:
    """A cache in which some code has run, from a copy of another cache; one for all workers."""
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    cache = folder / name
    with FileLock(folder / f"{name}.lock"):
        if not (cache / "complete").exists():
            if start is not None:
                shutil.copytree(start, cache, ignore=shutil.ignore_patterns("complete"))
            environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
            subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
            (cache / "complete").touch()
    return cache


@pytest.fixture(scope="session")
def voices_cache(tmp_path_factory) -> Path:
    """A cache with the embedded corpus, for XDG_CACHE_HOME; tests read it only."""
    code = 'from sertools.corpora.registry import root_of; root_of("voices")'
    return made_once(tmp_path_factory, "voices-cache", code)


@pytest.fixture(scope="session")
def embedded_cache(tmp_path_factory, voices_cache) -> Path:
    """A cache with the embedded corpus and what its audit without arguments predicts, for XDG_CACHE_HOME.

    It is made once for all workers, because it takes longer than most tests that need it.
    """
    code = 'import sertools; sertools.audit("default", "voices")'
    return made_once(tmp_path_factory, "embedded-cache", code, start=voices_cache)


@pytest.fixture(scope="module")
def browser():
    """Chromium, driven by Playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if CHROMIUM is None or sync_playwright is None:
        (pytest.fail if REQUIRED else pytest.skip)(HOW)
    with sync_playwright() as playwright:
        # in a container there is no other sandbox to be had, and the pages are our own
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser):
    """Opens a page at a width in a colour scheme; whatever the console says fails the test."""
    pages, said = [], []

    def open_page(address: str, width: int = 1280, scheme: str = "light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(20_000)
        pages.append(page)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request",
            lambda r: said.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None,
        )
        page.goto(address)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert said == []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out tests that take many minutes, unless they are asked for."""
    if "acceptance" in config.option.markexpr:
        return
    long = [item for item in items if item.get_closest_marker("acceptance")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
