"""What `sertools sweep --status` says of workers."""

import json
import os
import socket
import subprocess
import sys

from sertools.sweep.leases import held
from sertools.sweep.states import workers


def test_a_worker_that_was_killed_is_said_to_run_no_longer(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = [f"{socket.gethostname()}-{pid}" for pid in (os.getpid(), ended.pid)]
    (tmp_path / "workers").mkdir()
    for name in names:
        facts = {"worker": name, "current": "cell", "done": 2, "failed": 0, "clips": 0, "seconds": 0.0}
        (tmp_path / "workers" / f"{name}.json").write_text(json.dumps(facts))

    def told() -> list[str]:
        lines = {line.partition(":")[0]: line.rpartition("; ")[2] for line in workers(tmp_path)}
        return [lines[name] for name in names]

    with held(tmp_path / "leases" / "cell") as mine:
        assert mine
        assert told() == ["cell", "no longer running"]
    assert told() == ["no longer running", "no longer running"]
    facts = json.loads((tmp_path / "workers" / f"{names[0]}.json").read_text())
    (tmp_path / "workers" / f"{names[0]}.json").write_text(json.dumps({**facts, "current": ""}))
    assert told()[0] == "idle"
