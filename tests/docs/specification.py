"""doc/specification.md is true: every row of its tables is typed, in order, by
people in homes of their own, and what it says was seen is seen.

A row: | what is promised | `alice: claudemesh ...` <br> ... | `words` ... |. A
command may stand in $(...) for another's output. A row whose last cell begins with
"not yet" is not typed: it says what does not exist."""
import os
import re
import shutil
import subprocess
import tempfile
import time

LIMIT = 60		# seconds for a command


class Town:
    """alice, whose machine runs the broker, and who joined her mesh."""

    def __init__(self, binary):
        self.dir = tempfile.mkdtemp(prefix="spec.")
        os.mkdir(self.dir + "/bin")
        os.symlink(binary, self.dir + "/bin/claudemesh")
        self.base = {k: v for k, v in os.environ.items()
                     if not k.startswith("CLAUDEMESH_")}
        self.people = []

    def env(self, who):
        if who not in self.people:
            self.people.append(who)
        return dict(self.base, HOME="%s/%s" % (self.dir, who), USER=who,
                    CLAUDEMESH_HOME="%s/%s/.claudemesh" % (self.dir, who),
                    PATH=self.dir + "/bin:" + self.base["PATH"],
                    TOWN=self.dir)

    def type(self, who, line):
        env = self.env(who)
        os.makedirs(env["HOME"], exist_ok=True)
        out = subprocess.run(["sh", "-c", line], env=env, cwd=env["HOME"],
                             capture_output=True, text=True, timeout=LIMIT)
        return out.stdout + out.stderr

    def end(self):
        for who in reversed(self.people):
            self.type(who, "claudemesh down --purge -y")
        shutil.rmtree(self.dir, ignore_errors=True)


def code(cell):
    return [x.strip() for x in re.findall(r"``? ?(.+?) ?``?(?!`)", cell)]


def rows(text):
    for n, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|") or re.match(r"^\|[-| ]+\|$", line):
            continue
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        cells = [c.replace("\\|", "|") for c in cells]
        if len(cells) == 3 and (re.search(r"`\w+: ", cells[1]) or
                                cells[2].startswith("not yet")):
            yield n, cells


def play(town, n, cells):
    said = ""
    wanted = code(cells[2])
    assert wanted, "line %d: nothing is said to be seen" % n
    for command in code(cells[1]):
        who, line = command.split(": ", 1)
        last = (who, line)
        said += town.type(who, line)
    missing = [w for w in wanted if w not in said]
    until = time.monotonic() + 20
    while missing and time.monotonic() < until:
        time.sleep(0.3)		# what travels takes its time: ask again
        said += town.type(*last)
        missing = [w for w in wanted if w not in said]
    assert not missing, "line %d: %s: %s was not seen in:\n%s" % (
        n, cells[1], missing, said[-1500:])


def check(binary, text):
    town, typed, later = Town(binary), 0, 0
    try:
        for n, cells in rows(text):
            if cells[2].startswith("not yet"):
                later += 1
                continue
            play(town, n, cells)
            typed += 1
    finally:
        town.end()
    assert typed > 10, "only %d rows were typed" % typed
    return "%d rows typed, %d not yet" % (typed, later)
