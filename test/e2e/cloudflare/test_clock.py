"""The clock of this machine, by what the API's answers say of theirs."""

from __future__ import annotations

import datetime
import email.utils
from pathlib import Path

import pytest

from support.bind import Bind
from support.cloudflare_api import CloudflareApi
from support.http_service import Request, Response

from ..dns_bench import api_bench


class OtherTime(CloudflareApi):
    """Its clock is behind by so much."""

    behind = datetime.timedelta()

    def respond(self, request: Request) -> Response:
        answer = super().respond(request)
        now = datetime.datetime.now(datetime.timezone.utc) - self.behind
        answer.headers = {**answer.headers, "Date": email.utils.format_datetime(now, usegmt=True)}
        return answer


@pytest.mark.parametrize(
    ("behind", "words"),
    [
        (datetime.timedelta(seconds=200), None),
        (datetime.timedelta(days=65), "65 days ahead of"),
        (-datetime.timedelta(hours=3, minutes=5), "3 hours behind"),
    ],
    ids=["a little", "ahead", "behind"],
)
def test_a_clock_that_is_off_is_told_once(
    tmp_path: Path, bind: Bind, behind: datetime.timedelta, words: str | None
) -> None:
    with OtherTime(bind) as api:
        api.behind = behind
        told = api_bench(tmp_path, bind, api).run("apply")
        host = api.url.partition("://")[2].partition("/")[0]
        assert told.returncode == 0 and len(api.requests()) > 2
    if words is None:
        assert "the clock of this machine" not in told.stderr
    else:
        assert told.stderr.count("the clock of this machine") == 1
        assert f"the clock of this machine is {words} that of {host}, which says" in told.stderr
