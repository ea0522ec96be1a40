"""fake.py - a daemon of our own: it says what a test wants it to say."""
import json
import os
import socket
import threading
import time


class Fake:
    def __init__(self, home, answers=None, welcome=None):
        os.makedirs(home.dir, mode=0o700, exist_ok=True)
        self.answers = answers or {}
        self.welcome = welcome or (lambda n: {})
        self.seen, self.hellos = [], 0
        self.sock = socket.socket(socket.AF_UNIX)
        path = os.path.join(home.dir, "daemon.sock")
        self.sock.bind(path)
        os.chmod(path, 0o600)
        self.sock.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(conn,),
                             daemon=True).start()

    def reply(self, m):
        if m["type"] == "local_hello":
            self.hellos += 1
            return {"type": "local_welcome", "version": "0.1.0",
                    "pid": os.getpid(), **self.welcome(self.hellos)}
        said = self.answers.get(m["type"])
        return said(m) if callable(said) else dict(said or {
            "type": "error", "code": "unknown_type",
            "message": "no such row: " + m["type"]})

    def talk(self, conn):
        with conn, conn.makefile("r") as lines:
            for line in lines:
                m = json.loads(line)
                self.seen.append(m)
                said = self.reply(m)
                if said is None:
                    return
                if "sleep" in said:
                    time.sleep(said.pop("sleep"))
                said["_reqId"] = m["_reqId"]
                try:
                    conn.sendall((json.dumps(said, ensure_ascii=False)
                                  + "\n").encode())
                except OSError:
                    return

    def of(self, type):
        return [m for m in self.seen if m["type"] == type]

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def error(code, message="it did not work", **more):
    return {"type": "error", "code": code, "message": message, **more}
