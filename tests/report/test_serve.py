"""Pages served to this machine: what is given, what is not, and how it ends."""

import http.client
import signal
import subprocess
import sys
import threading
import urllib.request

import pytest

from sertools.errors import GateError
from sertools.report.serve import HOST, Pages, first_page
from tests.helpers.places import ROOT


@pytest.fixture
def served(tmp_path):
    folder = tmp_path / "a report"
    (folder / "sounds").mkdir(parents=True)
    (folder / "report.html").write_text("<p>the page</p>")
    (folder / "sounds" / "a.flac").write_bytes(b"sound")
    (tmp_path / "secret.txt").write_text("secret")
    with Pages(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=30)


def status(server, path, host=None):
    connection = http.client.HTTPConnection(HOST, server.server_port, timeout=30)
    connection.request("GET", path, headers={"Host": host or f"{HOST}:{server.server_port}"})
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_the_page_and_what_it_links_to_are_served(served):
    with urllib.request.urlopen(served.url, timeout=30) as answer:
        assert answer.read() == b"<p>the page</p>"
    assert status(served, "/sounds/a.flac") == (200, b"sound")


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/none", "/", "/sounds/"])
def test_nothing_else_is_served(path, served):
    code, body = status(served, path)
    assert code == 404
    assert b"secret.txt" not in body.replace(path.encode(), b"")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", f"{HOST}.evil.example:80"])
def test_requests_in_another_name_get_nothing(host, served):
    assert status(served, "/report.html", host)[0] == 403
    assert status(served, "/report.html", f"localhost:{served.server_port}")[0] == 200


def test_a_comparison_and_a_leaderboard_begin_with_their_pages(tmp_path):
    (tmp_path / "index.html").touch()
    assert first_page(tmp_path) == "index.html"
    (tmp_path / "compare.html").touch()
    assert first_page(tmp_path) == "compare.html"


def test_what_cannot_be_served_is_one_sentence(tmp_path, served):
    with pytest.raises(GateError, match="no folder"):
        Pages(tmp_path / "none")
    with pytest.raises(GateError, match="holds no page"):
        Pages(tmp_path)
    (tmp_path / "report.html").touch()
    for port in (-1, 65536):
        with pytest.raises(GateError, match="is not a port"):
            Pages(tmp_path, port)
    with pytest.raises(GateError, match=f"cannot listen on port {served.server_port}"):
        Pages(tmp_path, served.server_port)


def test_the_command_says_where_and_ends_with_ctrl_c(tmp_path):
    (tmp_path / "report.html").write_text("<p>the page</p>")
    words = [sys.executable, "-m", "sertools", "view", str(tmp_path), "--no-open"]
    # a process that was started in the background ignores Ctrl-C, and so would this one of its own
    obeying = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=ROOT, **obeying) as running:
        try:
            url, end = running.stderr.readline().split(" ", 1)
            assert end == "(Ctrl-C ends)\n"
            with urllib.request.urlopen(url, timeout=30) as answer:
                assert answer.read() == b"<p>the page</p>"
            running.send_signal(signal.SIGINT)
            assert running.wait(timeout=60) == 0
            assert running.stderr.read() == ""
        finally:
            running.kill()  # leaving the block waits for its end
