"""Runs a broker and command lines of the program under test, in temporary folders."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
BIN = os.path.join(ROOT, os.environ.get("CLAUDEMESH_BIN", "build/claudemesh"))


class Place:
    """A temporary folder, the broker in it, and the homes of the users."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="cm-interop-")
        self.broker, self.homes = None, []

    def start_broker(self):
        data = os.path.join(self.dir, "broker")
        with open(os.path.join(self.dir, "broker.log"), "ab") as log:
            self.broker = subprocess.Popen(
                [BIN, "broker", "run", "--listen", "127.0.0.1:0", "--data", data],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        addr = os.path.join(data, "broker.addr")
        for _ in range(500):
            if os.path.exists(addr) and os.path.getsize(addr):
                break
            if self.broker.poll() is not None:
                raise RuntimeError("the broker ended at once")
            time.sleep(0.01)
        with open(addr, encoding="ascii") as f:
            self.url = f"ws://{f.read().strip()}/ws"
        return self

    def file(self, name):
        return os.path.join(self.dir, name)

    def user(self, name):
        home = Home(self.file(name))
        self.homes.append(home)
        return home

    def end(self):
        for home in self.homes:
            home.down()
        if self.broker:
            self.broker.terminate()
            try:
                self.broker.wait(5)
            except subprocess.TimeoutExpired:
                self.broker.kill()
                self.broker.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Home:
    """A user of the command line, with a daemon that it starts by itself."""

    def __init__(self, path):
        self.path = path
        os.makedirs(path, 0o700)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("CLAUDEMESH_")}
        self.env.update(CLAUDEMESH_HOME=path, HOME=path)

    def run_now(self, *args, check=True, seconds=15):
        done = subprocess.run([BIN, *args], env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=seconds, check=False)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(args)}: {done.returncode} {done.stderr}")
        return done

    async def run(self, *args, **how):
        return await asyncio.to_thread(self.run_now, *args, **how)

    async def json(self, *args):
        return json.loads((await self.run(*args, "--json")).stdout)

    def down(self):
        """Stops the daemon; ends it by its own process id if it does not listen."""
        try:
            pid = json.loads(self.run_now("daemon", "status", "--json",
                                          check=False).stdout or "{}").get("pid")
            self.run_now("daemon", "down", check=False)
        except (subprocess.TimeoutExpired, ValueError):
            return
        if not pid:
            return
        for i in range(300):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    if f.read().rpartition(")")[2].split()[0] == "Z":
                        return              # ended; somebody else's to reap
            except (FileNotFoundError, ProcessLookupError):
                return
            if i == 250:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
