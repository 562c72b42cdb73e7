"""A /sys/class/gpio in user space: one chip whose numbers begin at BASE. Writes are logged, one a line, and take effect."""
import errno
import stat
import sys

from fusepy import FUSE, FuseOSError, Operations

MOUNT, BASE, LOG = sys.argv[1], int(sys.argv[2]), sys.argv[3]
LINES = 54
CHIP = f"gpiochip{BASE}"
ATTRIBUTES = ("value", "direction", "edge", "active_low")


class Sysfs(Operations):
    def __init__(self):
        self.pins = {}
        self.log = open(LOG, "a", 1)

    def content(self, path):
        """None for a folder, the text of a file."""
        parts = [part for part in path.split("/") if part]
        if not parts or parts == [CHIP]:
            return None
        if parts[0] in ("export", "unexport") and len(parts) == 1:
            return ""
        if parts[0] == CHIP and len(parts) == 2:
            chip = {"base": BASE, "ngpio": LINES, "label": "pinctrl-bcm2835"}
            if parts[1] in chip:
                return f"{chip[parts[1]]}\n"
        pin = self.pins.get(parts[0])
        if pin and len(parts) == 1:
            return None
        if pin and parts[1] in ATTRIBUTES:
            return f"{pin[parts[1]]}\n"
        raise FuseOSError(errno.ENOENT)

    def getattr(self, path, fh=None):
        folder = self.content(path) is None
        return {"st_mode": (stat.S_IFDIR | 0o755) if folder else (stat.S_IFREG | 0o660), "st_nlink": 1, "st_size": 4096}

    def readdir(self, path, fh):
        names = ["export", "unexport", CHIP, *self.pins] if path == "/" else list(ATTRIBUTES)
        return [".", "..", *names]

    def truncate(self, path, length, fh=None):
        return 0

    def read(self, path, size, offset, fh):
        return self.content(path).encode()[offset : offset + size]

    def write(self, path, data, offset, fh):
        text = data.decode().strip()
        self.log.write(f"{path[1:]} {text}\n")
        parts = path[1:].split("/")
        name = f"gpio{text}"
        if parts[0] == "export":
            if not BASE <= int(text) < BASE + LINES:
                raise FuseOSError(errno.EINVAL)
            if name in self.pins:
                raise FuseOSError(errno.EBUSY)
            self.pins[name] = {"value": 0, "direction": "in", "edge": "none", "active_low": 0}
        elif parts[0] == "unexport":
            self.pins.pop(name, None)
        elif parts[1] == "direction":
            pin = self.pins[parts[0]]
            pin["direction"] = "in" if text == "in" else "out"
            pin["value"] = 1 if text == "high" else 0
        elif parts[1] == "value" and self.pins[parts[0]]["direction"] == "in":
            raise FuseOSError(errno.EPERM)
        else:
            self.pins[parts[0]][parts[1]] = text
        return len(data)


FUSE(Sysfs(), MOUNT, foreground=True, nothreads=True, direct_io=True)
