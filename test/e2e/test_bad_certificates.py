"""What certbot, or somebody else, puts on the volume is served only if it is fit to be."""

from __future__ import annotations

import datetime
import signal

import pytest

from support.ingress import Ingress
from support.volume import Volume

NAME = "app.demo.test"


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        ("key", f"lineage {NAME} is refused"),
        ("expired", f"lineage {NAME} is refused: it expired at"),
        ("names", f"there is no certificate for exactly {NAME}"),
        ("garbage", f"lineage {NAME} is passed over"),
    ],
)
def test_an_unfit_certificate_is_refused_and_the_old_one_kept(
    serving: tuple[Ingress, Volume], defect: str, words: str
) -> None:
    ingress, volume = serving
    before, neighbour = ingress.serial(NAME), ingress.serial("api.demo.test")
    if defect == "key":
        volume.put(NAME, matching_key=False)
    elif defect == "expired":
        volume.put(NAME, remaining=-datetime.timedelta(hours=1))
    elif defect == "names":
        volume.put("other.demo.test", lineage=NAME)
    else:
        (volume.path / "live" / NAME / "fullchain.pem").resolve().write_text("not a certificate")
    since = len(ingress.log)
    ingress.child.signal(signal.SIGHUP)
    ingress.wait_log(words, since=since)
    assert ingress.ctl("reload").returncode == 0
    assert ingress.serial(NAME) == before
    assert ingress.serial("api.demo.test") == neighbour
    assert ingress.domain(NAME)["certificate"]["serial"] == before
    assert words in ingress.domain(NAME)["error"] or defect == "garbage"


def test_a_good_certificate_put_there_by_hand_is_served(serving: tuple[Ingress, Volume]) -> None:
    ingress, volume = serving
    fresh = volume.put(NAME)
    ingress.child.signal(signal.SIGHUP)
    ingress.wait_for(lambda: ingress.try_serial(NAME) == fresh, "the new certificate")
    ingress.wait_settled()


def test_at_start_an_unfit_certificate_does_not_stop_the_others(
    serving: tuple[Ingress, Volume],
) -> None:
    ingress, volume = serving
    good = ingress.serial("api.demo.test")
    ingress.stop()
    volume.put(NAME, matching_key=False)
    since = len(ingress.log)
    ingress.start()
    ingress.wait_for(lambda: ingress.try_serial("api.demo.test") == good, "the good one")
    assert f"lineage {NAME} is refused" in ingress.log[since:]
