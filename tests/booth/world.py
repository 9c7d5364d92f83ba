"""What stands around a booth, as real processes: a display, a camera, a board, a disk, a clock, and the booth itself."""

import csv
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image
from Xlib import X, display, error

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/ernscope"
BOARD_PROGRAM = ROOT / "target/board-sim/ernscope-board-sim"
CAMERA_PROGRAM = Path(__file__).with_name("camera.py")
# Debian puts it below the machine's name.
FAKETIME = "faketime/libfaketimeMT.so.1"
# Settings and all that the booth remembers lie on a disk of this size.
DISK = "4m"
SIZES = ["1280x720", "1360x768", "1024x768", "800x600"]
# On a screen, so many lines are looked at.
LINES = 12


def wait_for(what, limit_s, probe):
    """The first true answer of `probe`."""
    end = time.monotonic() + limit_s
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {limit_s} s")
        time.sleep(0.05)


def read(path):
    """What a file of /proc says; nothing where its process has just gone."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def children_of(process):
    """Its children's numbers and states, in the order of their start."""
    lists = Path(f"/proc/{process}/task").glob("*/children")
    numbers = sorted(int(number) for listed in lists for number in read(listed).split())
    stats = [(number, read(f"/proc/{number}/stat")) for number in numbers]
    return [(number, stat.rsplit(") ", 1)[1].split()[0]) for number, stat in stats if stat]


def stop(process):
    if process.poll() is None:
        process.kill()
    process.wait()


class Display:
    """A screen that nobody sees, and that changes its size as a real one does."""

    def __init__(self, number, log):
        self.name = f":{number}"
        self.number = number
        self.log = log
        self.start()

    def start(self):
        given = ["-geometry", SIZES[0], "-depth", "24", "-rfbport", str(5900 + self.number), "-localhost", "-SecurityTypes", "None"]
        self.server = subprocess.Popen(["Xvnc", self.name, *given], stdout=self.log, stderr=self.log)
        self.connection = wait_for("the display", 20, self.connect)

    def connect(self):
        try:
            return display.Display(self.name)
        except (error.DisplayConnectionError, error.ConnectionClosedError, OSError):
            return None

    def stop(self):
        stop(self.server)

    def resize(self, size):
        subprocess.run(["xrandr", "-display", self.name, "-s", size], check=True, stdout=self.log, stderr=self.log)

    def lines(self):
        """Some lines of the screen, from top to bottom."""
        root = self.connection.screen().root
        about = root.get_geometry()
        places = [(about.height * (2 * line + 1)) // (2 * LINES) for line in range(LINES)]
        return [root.get_image(0, y, about.width, 1, X.ZPixmap, 0xFFFFFFFF).data for y in places]

    def part(self, left, top, right, bottom):
        """A part of the screen, by shares of its sides."""
        root = self.connection.screen().root
        about = root.get_geometry()
        x, y = int(left * about.width), int(top * about.height)
        size = (int(right * about.width) - x, int(bottom * about.height) - y)
        data = root.get_image(x, y, *size, X.ZPixmap, 0xFFFFFFFF).data
        return Image.frombytes("RGB", size, data, "raw", "BGRX")


class Camera:
    """The camera by script. Its first picture shows no card."""

    def __init__(self, folder, cards):
        self.folder = folder
        folder.mkdir()
        rendered = folder / "rendered"
        subprocess.run([PROGRAM, "render", "--seed", "5", "--frames", "200", "--png", rendered], check=True)
        with open(rendered / "truth.csv", newline="") as file:
            truth = list(csv.DictReader(file))
        easy = [row for row in truth if row["label"] != "nothing" and float(row["occlusion"]) < 0.01 and row["decoy"] == "None"]
        by_label = {row["label"]: row for row in easy if float(row["size"]) > 0.6}
        chosen = [next(row for row in truth if row["decoy"] == "EmptyRoom"), *list(by_label.values())[:cards]]
        self.labels = [row["label"] for row in chosen]
        with open(folder / "pictures", "wb") as pictures:
            for row in chosen:
                with Image.open(rendered / row["file"]) as picture:
                    pictures.write(picture.convert("RGB").resize((640, 480)).tobytes())
        shutil.rmtree(rendered)
        self.does("still 0")

    def does(self, line):
        """What it does from now on."""
        new = self.folder / "script.new"
        new.write_text(line)
        new.replace(self.folder / "script")


class Board:
    """The simulated board behind a line that can be cut; it is not there at first, since simulating takes much of a processor."""

    def __init__(self, link, log):
        self.link = link
        self.log = log
        self.process = None

    def plug(self):
        self.process = subprocess.Popen([BOARD_PROGRAM, "--link", self.link], stdin=subprocess.PIPE, stdout=self.log, stderr=self.log)
        wait_for("the board", 20, lambda: os.path.islink(self.link))

    def cut(self):
        if self.process:
            stop(self.process)
        if os.path.islink(self.link):
            os.unlink(self.link)


class Clock:
    """The clock on the wall, as the booth sees it; the one that only goes forward is nobody's."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.set(0)
        found = sorted(Path("/usr/lib").glob(f"*/{FAKETIME}"))
        self.environment = {}
        if found:
            self.environment = {
                "LD_PRELOAD": str(found[0]),
                "FAKETIME_TIMESTAMP_FILE": str(self.file),
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "FAKETIME_CACHE_DURATION": "1",
            }

    def set(self, seconds):
        self.file.write_text(f"{seconds:+d}")


class Booth:
    """The booth: a supervisor and its stage. Its home is a small disk of its own."""

    def __init__(self, folder, port, environment, arguments, log):
        self.home = folder / "home"
        self.home.mkdir()
        self.url = f"http://127.0.0.1:{port}"
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        homes = dict.fromkeys(["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"], str(self.home))
        apart = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount"]
        # Where the system allows nobody a disk of their own, the home is a folder like others, and never full.
        self.has_disk = subprocess.run([*apart, "true"], stderr=subprocess.DEVNULL).returncode == 0
        inside = [*apart, "sh", "-c", 'mount -t tmpfs -o "size=$0" booth "$HOME" && exec "$@"', DISK] if self.has_disk else []
        command = [*inside, PROGRAM, "booth", "--status", str(port), *arguments]
        self.process = subprocess.Popen(command, env={**kept, **homes, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def disk(self):
        """The home, as the booth sees it."""
        return Path(f"/proc/{self.process.pid}/root{self.home}")

    @property
    def config(self):
        return self.disk / "ernscope/booth.toml"

    def status(self):
        """What the status page tells; None where nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/status.json", timeout=2) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def stage(self):
        """The stage's process; None while there is none."""
        return next((number for number, _ in children_of(self.process.pid)), None)

    def send(self, number):
        """A signal for the stage; which process it was."""
        stage = wait_for("a stage", 20, self.stage)
        os.kill(stage, number)
        return stage

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


class World:
    """All of it."""

    def __init__(self, seed, with_board, camera=CAMERA_PROGRAM):
        self.folder = Path(tempfile.mkdtemp(prefix="ernscope-booth-"))
        self.log = open(self.folder / "log", "w")
        self.display = Display(70 + seed % 20, self.log)
        self.camera = Camera(self.folder / "camera", 8)
        self.clock = Clock(self.folder)
        self.board = Board(str(self.folder / "board"), self.log) if with_board and BOARD_PROGRAM.exists() else None
        environment = {"DISPLAY": self.display.name, "ERNSCOPE_CAPTURE": str(camera), "CAMERA": str(self.camera.folder)}
        environment.update(self.clock.environment)
        self.booth = Booth(self.folder, 18_000 + seed % 1000, environment, ["--source", "camera:0"], self.log)

    def close(self):
        status = self.booth.end()
        if self.board:
            self.board.cut()
        self.display.stop()
        self.log.close()
        return status
