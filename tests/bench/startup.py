"""How long does `sertools --help` take beside `python -c pass`, and `sertools predict` of four clips?

    python tests/bench/startup.py [REPEATS]
    python -m tests.bench.startup --predict FOLDER_OF_FLAC [REPEATS]

The shortest of several runs is taken, since other programs can only make it longer. With --predict, a
checkpoint of 660 MB (wav2vec2-large with 12 layers, random weights) predicts four clips, first into an empty
cache and then from it; wall and CPU seconds of the whole command.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(*command: str, repeats: int) -> float:
    """The shortest wall time of a command."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return min(taken)


def predict(data: Path, repeats: int) -> None:
    """Prints wall and CPU seconds of predicting four clips, computed and from the cache."""
    from tests.bench.inference import write_model

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_model(work / "model", "large-12")
        files = sorted(data.rglob("*.flac"))
        chosen = [files[i * len(files) // 4].resolve() for i in range(4)]
        (work / "clips.csv").write_text("file\n" + "".join(f"{file}\n" for file in chosen))
        for name in ("computed", "from the cache"):
            taken = []
            for i in range(repeats):
                cache = work / (f"cache{i}" if name == "computed" else "cache0")
                command = [sys.executable, "-m", "sertools", "predict", "--model", str(work / "model"),
                           "--data", str(work / "clips.csv"), "--csv", str(work / "out.csv"),
                           "--cache", str(cache), "--device", "cpu"]  # fmt: skip
                before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                taken.append((cpu, wall))
            cpu, wall = min(taken)
            sys.stdout.write(f"sertools predict, 4 clips, {name}: {cpu:.2f} CPU s, {wall:.2f} s wall\n")
            sys.stdout.flush()


def main() -> None:
    """Prints what the command line asks for."""
    if "--predict" in sys.argv:
        data, *rest = sys.argv[sys.argv.index("--predict") + 1 :]
        predict(Path(data), int(rest[0]) if rest else 3)
        return
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    bare = seconds(sys.executable, "-c", "pass", repeats=repeats)
    helped = seconds(sys.executable, "-m", "sertools", "--help", repeats=repeats)
    sys.stdout.write(f"python -c pass   {bare:.3f} s\n")
    sys.stdout.write(f"sertools --help  {helped:.3f} s, {helped / bare:.1f} times as long\n")


if __name__ == "__main__":
    main()
