"""load.py - senders that keep on sending, and what must have come of it."""
import re
import threading
import time

from mesh import Failed, Refused, check, equal, until


class Sender(threading.Thread):
    """Sends numbered texts over the daemon's socket, several at once, and goes
    on when the daemon goes and comes. What was answered is in `accepted`; what
    was asked and never answered is anybody's guess."""

    def __init__(self, home, to, tag, session=None, pause=0.0, window=8):
        super().__init__(daemon=True)
        self.home, self.to, self.tag = home, to, tag
        self.session, self.pause, self.window = session, pause, window
        self.accepted, self.tried = [], 0
        self.open = {}
        self.halt = threading.Event()
        self.broke = None

    def run(self):
        while not self.halt.is_set():
            try:
                with self.home.local(self.session) as l:
                    self.send_on(l)
            except (OSError, ConnectionError):
                self.open.clear()
                time.sleep(0.02)
            except Exception as e:	# told by done()
                self.broke = e
                return

    def take(self, l):
        frame = l.get()
        n = self.open.pop(frame.get("_reqId"))
        if frame["type"] == "error":
            raise Refused(frame)
        self.accepted.append(n)

    def send_on(self, l):
        self.open = {}
        while not self.halt.is_set():
            while len(self.open) < self.window:
                self.tried += 1
                self.open[l.put("local_send", to=self.to, wait="queued",
                                text="%s-%d" % (self.tag, self.tried))] = \
                    self.tried
            self.take(l)
            if self.pause:
                time.sleep(self.pause)
        while self.open:
            self.take(l)

    def stop(self):
        self.halt.set()

    def done(self):
        self.stop()
        self.join(60)
        check(not self.is_alive(), "a sender does not end")
        if self.broke:
            raise Failed("sender %s: %r" % (self.tag, self.broke))


def judge(homes, senders, texts=()):
    """Each inbox of `homes`: what was accepted once, in order; no more. texts:
    others that are to be there."""
    for s in senders:
        s.done()
    for h in homes:
        until(lambda: not missing(h, senders, texts), 90,
              lambda: "mail of %s; missing %s" % (h.name, missing(
                  h, senders, texts)[:10]), 0.1)
        mail = h.local_all()
        seen = [m["text"] for m in mail]
        twice = {t for t in seen if seen.count(t) > 1} \
            if len(set(seen)) != len(seen) else set()
        check(not twice, "came twice:", sorted(twice)[:10])
        for m in mail:
            check(m["verified"] and not m.get("problem"), "not verified:", m)
        for s in senders:
            mine = [int(t[len(s.tag) + 1:]) for t in seen
                    if t.startswith(s.tag + "-")]
            check(mine == sorted(mine), "out of order: ", s.tag, disorder(mine))
            check(all(n <= s.tried for n in mine), "never sent")
        known = re.compile("|".join([re.escape(s.tag) + r"-\d+" for s in senders]
                                    or ["$."]))
        other = sorted(t for t in seen if not known.fullmatch(t))
        equal(other, sorted(texts), "other texts")
    return sum(len(s.accepted) for s in senders)


def disorder(numbers):
    for i in range(1, len(numbers)):
        if numbers[i] < numbers[i - 1]:
            return numbers[max(0, i - 3):i + 3]
    return []


def missing(home, senders, texts):
    seen = {m["text"] for m in home.local_all()}
    want = ["%s-%d" % (s.tag, n) for s in senders for n in s.accepted]
    return [t for t in want + list(texts) if t not in seen]


def slow(seconds):
    """For the order of the tests."""
    def mark(fn):
        fn.slow = seconds
        return fn
    return mark


def full(fn):
    """Only with --full."""
    fn.full = True
    return fn
