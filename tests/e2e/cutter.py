#!/usr/bin/python3
"""cutter - a TCP proxy that breaks connections, for tests of what comes after.

	cutter.py LISTEN:PORT TARGET:PORT SEED

Every connection is cut after a random number of bytes or of milliseconds, most
often in the middle of what it carries: by a reset, by an end in order, or by
falling silent for a moment first. It begins when SIGUSR1 says so, and ends at
the next one. Prints "port N" and, at SIGTERM, "cut N".
"""
import asyncio
import os
import random
import signal
import struct
import socket
import sys


class Cutter:
    def __init__(self, target, seed):
        self.target, self.rand = target, random.Random(seed)
        self.cutting, self.cuts, self.begun = False, 0, None

    async def pump(self, rd, wr, budget):
        while True:
            piece = await rd.read(16384)
            if not piece:
                break
            if self.cutting and budget[0] < len(piece):
                wr.write(piece[:budget[0]])  # and no byte more
                budget[0] = 0
                raise asyncio.CancelledError
            budget[0] -= len(piece)
            wr.write(piece)
            await wr.drain()
        wr.write_eof()

    def cut(self, *writers):
        self.cuts += 1
        how = self.rand.random()
        for w in writers:
            if how < 0.6:
                w.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
                w.transport.abort()

    async def serve(self, rd, wr):
        r = self.rand
        # enough for a handshake and a hello, or not
        budget = [int(r.choice((2_000, 20_000, 60_000)) * r.random())]
        try:
            there = await asyncio.open_connection(*self.target)
        except OSError:
            wr.close()
            return
        tasks = [asyncio.ensure_future(t) for t in (
            self.pump(rd, there[1], budget), self.pump(there[0], wr, budget))]
        try:
            if not self.cutting:  # from now on, or when it begins
                await asyncio.wait([*tasks, asyncio.ensure_future(
                    self.begun.wait())], return_when=asyncio.FIRST_COMPLETED)
            done, _ = await asyncio.wait(
                tasks, timeout=r.uniform(0.1, 1.2) if self.cutting else None,
                return_when=asyncio.FIRST_COMPLETED)
            if done and all(t.cancelled() is False and not t.exception()
                            for t in done):
                await asyncio.wait(tasks, timeout=2)  # an end in order
            elif self.cutting:
                if r.random() < 0.2:
                    await asyncio.sleep(r.uniform(0, 0.3))
                self.cut(wr, there[1])
            else:
                await asyncio.wait(tasks)
        except OSError:
            pass
        finally:
            for t in tasks:
                t.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            wr.close()
            there[1].close()


def address(s):
    host, port = s.rsplit(":", 1)
    return host, int(port)


async def main():
    c = Cutter(address(sys.argv[2]), int(sys.argv[3]))
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    c.begun = asyncio.Event()

    def turn():
        c.cutting = not c.cutting
        c.begun.set() if c.cutting else c.begun.clear()
    loop.add_signal_handler(signal.SIGUSR1, turn)
    loop.add_signal_handler(signal.SIGTERM, end.set)
    server = await asyncio.start_server(c.serve, *address(sys.argv[1]))
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await end.wait()
    print("cut", c.cuts, flush=True)
    sys.stdout.flush()
    os._exit(0)

asyncio.run(main())
