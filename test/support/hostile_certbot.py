"""A certbot that is out for what is not its business; runs in the place of the real one.

It is one file, copied to where the product's user gets to it. What it does to the order of a domain
is in a file beside it, `plans.json`: {DOMAIN: {"do": NAME, ...}}; what came of it is a line of JSON in
`notes/told`. Registering, and the orders of other domains, are the real certbot's.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FLOOD = 10_000


def tell(**facts: Any) -> None:
    with (HERE / "notes" / "told").open("a") as file:
        file.write(json.dumps(facts) + "\n")


def real() -> None:
    subprocess.run(["certbot", *sys.argv[1:]], check=True)


def room() -> Path:
    return Path(os.environ["INGRESS_ASK"]).parent


def archive() -> Path:
    (folder,) = (room() / "config" / "archive").iterdir()
    return folder


def _plan() -> dict[str, Any]:
    plans = json.loads((HERE / "plans.json").read_text())
    domain = sys.argv[sys.argv.index("--domain") + 1] if "certonly" in sys.argv else ""
    return dict(plans.get(domain, {"do": "nothing"}))


def wait_for_plan(_: dict[str, Any]) -> None:
    """Until there is another one."""
    while (plan := _plan())["do"] == "wait_for_plan":
        time.sleep(0.05)
    globals()[plan["do"]](plan)


# ---- looking


def _outcome(act: Any) -> str:
    try:
        return f"got {act()!r}"[:80]
    except OSError as error:
        return type(error).__name__


def _connect(path: str) -> str:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.connect(path)
    return "a connection"


def look(plan: dict[str, Any]) -> None:
    """Everything of the plan, and whether anything could be had."""
    found = {path: _outcome(lambda: Path(path).read_bytes()[:8]) for path in plan["files"]}
    found |= {path: _outcome(lambda: os.listdir(path)) for path in plan["folders"]}
    found |= {path: _outcome(lambda: _connect(path)) for path in plan["sockets"]}
    for pid in plan["processes"]:
        found |= {
            f"{pid} {what}": _outcome(lambda: Path(f"/proc/{pid}/{what}").read_bytes()[:8])
            for what in ("environ", "mem", "maps")
        }
        found[f"kill {pid}"] = _outcome(lambda: os.kill(pid, signal.SIGTERM))
    found |= {f"become {user}": _outcome(lambda: os.setuid(user)) for user in plan["users"]}
    for path in plan["places"]:
        found[f"write {path}"] = _outcome(lambda: (Path(path) / "planted").touch())
    tell(found=found, user=os.getuid(), groups=os.getgroups())
    real()


# ---- planting


def plant(plan: dict[str, Any]) -> None:
    """In the place of what the real one has made."""
    real()
    key = archive() / "privkey1.pem"
    (name,) = (room() / "config" / "live").glob("*/privkey.pem")
    log = room() / "logs" / "letsencrypt.log"
    what = plan["what"]
    if what == "a key that leads elsewhere":
        key.unlink()
        key.symlink_to(plan["target"])
    elif what == "a link that leads elsewhere":
        name.unlink()
        name.symlink_to(plan["target"])
    elif what == "a way up that leads elsewhere":
        name.unlink()
        name.symlink_to("../../archive/../../../../.." + plan["target"])
    elif what == "a folder that leads elsewhere":
        folder = archive()
        folder.rename(folder.with_name("moved"))
        folder.symlink_to(Path(plan["target"]).parent)
    elif what == "a FIFO":
        key.unlink()
        os.mkfifo(key)
    elif what == "a socket":
        key.unlink()
        os.chdir(key.parent)
        socket.socket(socket.AF_UNIX).bind(key.name)
    elif what == "a key of two names":
        os.link(key, key.with_name("again.pem"))
    elif what == "a giant key":
        with contextlib.suppress(OSError), key.open("ab") as file:
            while True:
                file.write(bytes(1 << 20))
    elif what == "more files than there can be":
        for number in range(5000):
            (archive() / f"more{number}").touch()
    elif what == "a log that leads elsewhere":
        log.unlink()
        log.symlink_to(plan["target"])
        sys.exit(1)
    elif what == "a log that is a FIFO":
        log.unlink()
        os.mkfifo(log)
        sys.exit(1)
    else:
        raise ValueError(what)


def clutter(_: dict[str, Any]) -> None:
    """A room that is hard to clean."""
    os.chdir(room() / "tmp")
    for _ in range(3000):
        os.mkdir("deep")
        os.chdir("deep")
    os.chdir(room())
    for number in range(3000):
        (room() / "work" / f"file{number}").touch()
    (room() / "home" / "closed" / "in").mkdir(parents=True)
    (room() / "home" / "closed").chmod(0)
    for folder in (room() / "secrets", room() / "config", room()):
        folder.chmod(0)
    sys.exit(1)


# ---- asking


def ask(plan: dict[str, Any]) -> None:
    """Each message, until somebody ends this."""
    with open(os.environ["INGRESS_ASK"], "wb", buffering=0) as file:
        for message in plan["messages"]:
            file.write(message.encode("latin-1"))
            if plan.get("waits"):
                with open(os.environ["INGRESS_ANSWER"], "rb", buffering=0) as answer:
                    tell(answer=answer.read(6).decode())
    time.sleep(600)


def flood(plan: dict[str, Any]) -> None:
    for _ in range(FLOOD):
        with open(os.environ["INGRESS_ASK"], "wb", buffering=0) as file:
            file.write(plan["message"].encode())
    tell(sent=FLOOD)
    time.sleep(600)


def leave_the_hook(plan: dict[str, Any]) -> None:
    """Ends while what it has asked for is under way."""
    with open(os.environ["INGRESS_ASK"], "wb", buffering=0) as file:
        file.write(plan["message"].encode())
    until = Path(plan["until"])
    while not until.exists():
        time.sleep(0.05)
    sys.exit(1)


# ---- staying


def _detach() -> bool:
    """True in a process that nobody of this run is the parent of."""
    if os.fork() != 0:
        return False
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    for number in range(3):
        os.close(number)
    for number in range(1, signal.NSIG):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    return True


def stay(_: dict[str, Any]) -> None:
    """One that could change the key while somebody looks at it, one that runs away."""
    real()
    if _detach():
        tell(stays=os.getpid())
        while True:
            time.sleep(0.1)
    if _detach():
        tell(runs_away=os.getpid())
        while True:
            if os.fork() != 0:
                os._exit(0)
    told = HERE / "notes" / "told"
    while not told.exists() or len(told.read_text().splitlines()) < 2:
        time.sleep(0.01)


def bomb(_: dict[str, Any]) -> None:
    """As many processes as it is let."""
    count = 0
    with contextlib.suppress(OSError):
        while True:
            if os.fork() == 0:
                time.sleep(600)
            count += 1
    tell(count=count)
    time.sleep(600)


def main() -> None:
    plan = _plan()
    if plan["do"] == "nothing":
        os.execvp("certbot", ["certbot", *sys.argv[1:]])
    globals()[plan["do"]](plan)


if __name__ == "__main__":
    main()
