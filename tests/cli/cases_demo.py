"""cases_demo.py - `claudemesh demo`: it plays to the end, and nothing of it is
left, also when it is interrupted."""
import glob
import os
import signal
import subprocess
import tempfile

from kit import BIN, check


def left(top):
    """Files of it, and processes: their homes lie in its folder."""
    found = os.listdir(top)
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                if ("CLAUDEMESH_HOME=" + top).encode() in f.read():
                    found.append(path)
        except OSError:
            pass
    return found


def start(top):
    env = dict(os.environ, TMPDIR=top, HOME=top + "/nobody")
    return subprocess.Popen([BIN, "demo"], env=env, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, start_new_session=True)


def case_demo_plays():
    with tempfile.TemporaryDirectory(dir="/tmp") as top:
        p = start(top)
        out, err = p.communicate(timeout=90)
        check(p.returncode == 0, "demo", out, err)
        for words in ("hello Ann, Bob here", "good morning, builders",
                      "# kill -9 ", "are you still there?", "-- done in "):
            check(words in out, words, out)
        check(not left(top), "demo: what is left", left(top))


def case_demo_interrupted():
    with tempfile.TemporaryDirectory(dir="/tmp") as top:
        p = start(top)
        for line in p.stdout:
            if "peers" in line:
                break
        os.killpg(p.pid, signal.SIGINT)    # as a terminal does
        out, err = p.communicate(timeout=60)
        check(p.returncode not in (0, None) and "interrupted" in err,
              "demo, interrupted", p.returncode, out, err)
        check(not left(top), "demo, interrupted: what is left", left(top))


def case_demo_broken():
    """A command that fails ends it, with its reason and no leftovers."""
    with tempfile.TemporaryDirectory(dir="/tmp") as top:
        p = start(top)
        for line in p.stdout:
            if "mesh create" in line:
                break
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as f:
                    words = f.read()
            except OSError:
                continue
            if top.encode() in words and b"broker" in words:
                os.kill(int(path.split("/")[2]), signal.SIGKILL)
        out, err = p.communicate(timeout=90)
        check(p.returncode != 0 and "demo: " in err, "demo, broken",
              p.returncode, out, err)
        check(not left(top), "demo, broken: what is left", left(top))
