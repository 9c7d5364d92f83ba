#!/usr/bin/python3
"""What the status page costs the stage: predictions a second with nobody asking, and with a thousand connections at a time, slow
readers, garbage, and a header of a megabyte, in turn. Exit status 1 where more than 2 % are lost."""

import socket
import statistics
import sys
import threading
import time

from world import World, wait_for

ROUNDS = 4
SPAN_S = 12
CONNECTIONS = 1000
MOST_LOST = 0.02
REQUEST = b"GET /status.json HTTP/1.1\r\n\r\n"


def connect(port):
    connection = socket.socket()
    connection.settimeout(2)
    connection.connect(("127.0.0.1", port))
    return connection


def flood(port, over, opened):
    """A thousand connections, each of a kind, held until all are open, again and again."""
    sent = [b"", b"G", REQUEST, b"\x00\xff garbage\r\n\r\n", b"GET /" + b"x" * (1 << 20)]
    while not over.is_set():
        held = []
        for number in range(CONNECTIONS):
            if over.is_set():
                break
            try:
                connection = connect(port)
                held.append(connection)
                connection.setblocking(False)
                connection.send(sent[number % len(sent)])
            except OSError:
                pass
            opened[0] += 1
        for connection in held:
            connection.close()
        over.wait(0.5)


def per_s(world):
    """Predictions a second, by the page's own count."""
    counted = []
    for wait_s in (SPAN_S, 0):
        status = wait_for("the page answers", 20, world.booth.status)
        counted.append((time.monotonic(), status["predicted"]))
        time.sleep(wait_s)
    (start, first), (end, last) = counted
    return (last - first) / (end - start)


def main():
    world = World(2, with_board=False)
    opened = [0]
    try:
        status = lambda: world.booth.status() or {}
        wait_for("the title is over", 90, lambda: status().get("live") and status()["mode"] != "opening")
        world.camera.does("moving 1")
        wait_for("the camera is live", 20, lambda: status().get("mode") == "live")
        time.sleep(3)
        port = int(world.booth.url.rsplit(":", 1)[1])
        alone, flooded = [], []
        for _ in range(ROUNDS):
            alone.append(per_s(world))
            over = threading.Event()
            thread = threading.Thread(target=flood, args=(port, over, opened))
            thread.start()
            time.sleep(1)
            flooded.append(per_s(world))
            over.set()
            thread.join()
            time.sleep(6)
        restarts = status()["restarts"]
    finally:
        world.close()
    lost = 1 - statistics.median(flooded) / statistics.median(alone)
    print("predictions a second alone " + ", ".join(f"{rate:.2f}" for rate in alone))
    print(f"with {opened[0]} connections " + ", ".join(f"{rate:.2f}" for rate in flooded))
    print(f"{100 * lost:.1f} % lost at the median, {restarts} restarts")
    sys.exit(lost > MOST_LOST or restarts > 0)


if __name__ == "__main__":
    main()
