"""ingress-evidence publish with many: at once, one after the other under readers' eyes, killed,
and ten thousand certificates."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.process import Child, wait_until

from .evidence_bench import (
    PROGRAM,
    RUN_DEADLINE,
    Bench,
    Replaced,
    bench,
    check_generation,
    read_generation,
    visible_names,
)
from .evidence_http import curl

# Of the evidence server, for a request: see evidence/connections.h.
REQUEST_SECONDS = 30

PUBLICATIONS = 40
KILLS = 20
CONCURRENT = 8


@pytest.fixture(name="dstack")
def _dstack(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def test_publications_do_not_interleave(dstack: Bench) -> None:
    commands = [dstack.publish_arguments(f"d{number}.example.com") for number in range(CONCURRENT)]
    with ThreadPoolExecutor(CONCURRENT) as pool:
        results = list(pool.map(lambda command: dstack.run(*command), commands))
    assert [result.returncode for result in results] == [0] * CONCURRENT
    check_generation(read_generation(dstack.evidence))
    assert len(visible_names(dstack.evidence)) == 5
    assert len(list(dstack.evidence.glob("..gen-*"))) == 2


def has_open(pid: int, path: Path) -> bool:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed while we looked
            if os.readlink(descriptor) == str(path):
                return True
    return False


def test_a_publication_waits_for_the_lock(dstack: Bench) -> None:
    dstack.run_dir.mkdir()
    path = dstack.run_dir / "evidence.lock"
    lock = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    log = dstack.folder / "publish.log"
    command = [str(PROGRAM), *dstack.publish_arguments()]
    with Child(command, log, env=dstack.environment()) as waiting:
        waiting.wait_for(lambda: has_open(waiting.pid, path), what="it to be at the lock")
        assert dstack.agent.requests() == []
        assert waiting.running
        os.close(lock)
        assert waiting.wait(10) == 0
    check_generation(read_generation(dstack.evidence))


class Hammer:
    """Readers that look at the folder as fast as they can until told to stop."""

    def __init__(self, evidence: Path) -> None:
        self.evidence = evidence
        self.reads = 0
        self.failure: BaseException | None = None
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._look()
        except BaseException as failure:  # handed to the test's thread
            self.failure = failure

    def _look(self) -> None:
        for name in ("acme-account.json", "quote.json", "sha256sum.txt"):
            assert (self.evidence / name).read_bytes()
        try:
            files = read_generation(self.evidence)
        except Replaced:
            return
        check_generation(files)
        self.reads += 1

    def __enter__(self) -> Hammer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.failure is not None:
            raise self.failure


def test_readers_never_see_two_generations_mixed(dstack: Bench) -> None:
    commands = [dstack.publish_arguments(f"d{number}.example.com") for number in range(4)]
    assert dstack.run(*commands[0]).returncode == 0
    with Hammer(dstack.evidence) as hammer:
        for number in range(PUBLICATIONS):
            assert dstack.run(*commands[number % len(commands)]).returncode == 0
    assert hammer.reads > PUBLICATIONS


def test_kill_at_any_moment_leaves_a_whole_generation(dstack: Bench) -> None:
    commands = [dstack.publish_arguments(f"d{number}.example.com") for number in range(3)]
    started = time.monotonic()
    assert dstack.run(*commands[0]).returncode == 0
    usual = time.monotonic() - started
    chance = random.Random(20261122)
    killed = 0
    with Hammer(dstack.evidence):
        for number in range(KILLS):
            process = subprocess.Popen(
                [str(PROGRAM), *commands[number % len(commands)]],
                env=dstack.environment(),
                stderr=subprocess.DEVNULL,
            )
            try:
                process.wait(chance.uniform(0, usual))
            except subprocess.TimeoutExpired:
                process.kill()
            killed += process.wait() != 0
            check_generation(read_generation(dstack.evidence))
    assert killed > 0
    dstack.publish("last.example.com")
    check_generation(read_generation(dstack.evidence))
    assert len(visible_names(dstack.evidence)) == 5
    hidden = [name for name in os.listdir(dstack.evidence) if name.startswith(".")]
    assert len(hidden) == 3, hidden


# ---- thousands


@pytest.fixture(name="in_memory")
def _in_memory() -> Iterator[Bench]:
    """Where thousands of files wait for no disk."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder, bench(Path(folder)) as made:
        yield made


def _cpu_time(pid: int) -> int:
    """Of a process, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_ten_thousand_certificates_are_published_and_served(
    in_memory: Bench, tmp_path: Path
) -> None:
    """More than the words of a command line may be, with names of the full length and a history of
    two certificates for each."""
    names = [f"n{i:04}.{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 40}.example" for i in range(10_000)]
    assert len(f"--cert {names[0]}={in_memory.folder}") * len(names) > 2 << 20
    chain = in_memory.chain("all")
    key = x509.load_pem_x509_certificate(chain.read_bytes()).public_key()
    spki = hashlib.sha256(
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()
    listed = tmp_path / "list"
    listed.write_text("".join(f"{name}={chain}\n" for name in names))
    history = tmp_path / "history"
    history.write_text(
        json.dumps({
            "certificates": [
                {"name": name, "serial": f"{serial:X}", "spki_sha256": spki, "origin": "made here",
                 "not_before": "2026-01-01T00:00:00Z", "not_after": "2026-04-01T00:00:00Z",
                 "account": "https://acme-v02.api.letsencrypt.org/acme/acct/1234567890"}
                for serial in (1, 2) for name in names
            ]
        })
    )  # fmt: skip
    with history.open("rb") as text:
        done = subprocess.run(
            [PROGRAM, "publish", "--account", in_memory.account, "--certs", listed,
             "--history-fd", str(text.fileno())],
            env=in_memory.environment(), pass_fds=[text.fileno()], capture_output=True, text=True,
            check=False, timeout=4 * RUN_DEADLINE,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with in_memory.serving() as server, ThreadPoolExecutor(1) as client:
        # Whatever it takes to read them: that is not the client's time.
        at_rest = _cpu_time(server.pid)
        asked = client.submit(curl, in_memory, "/evidences/manifest.json", "--max-time", "600")
        wait_until(lambda: _cpu_time(server.pid) > at_rest + 2, what="it to read")
        server.pause()
        over = time.monotonic() + REQUEST_SECONDS + 1
        wait_until(
            lambda: time.monotonic() > over, what="its patience's end", deadline=2 * REQUEST_SECONDS
        )
        server.resume()
        manifest = json.loads(asked.result().body)
        sums = curl(in_memory, "/evidences/sha256sum.txt").body
        assert sums.count(b"\n") == len(names) + 1
        assert curl(in_memory, f"/evidences/cert-{names[-1]}.pem").body == chain.read_bytes()
        assert curl(in_memory, "/evidences/").body.count(b"<a ") > len(names)
    assert [entry["origin"] for entry in manifest["names"]] == ["made here"] * len(names)
    assert len(manifest["history"]) == 2 * len(names)
    # And gone again, all of them, when two more generations have come.
    in_memory.publish()
    in_memory.publish()
    left = os.listdir(in_memory.evidence)
    assert not [name for name in left if name.startswith("cert-n")]
    assert len([name for name in left if (in_memory.evidence / name).is_dir()]) == 3, left
