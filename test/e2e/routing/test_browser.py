"""What a person sees who goes to the app and to its evidence, in every order, in Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from support.chromium import Chromium, Response, Tab

from .site import OTHER, SUMS, WEB, Site

pytestmark = pytest.mark.browser

INDEX = "/evidences/"


@dataclass
class Person:
    """At a browser that was just started."""

    site: Site
    protocol: str
    new_tab: Callable[[], Tab]

    def goes_to(self, tab: Tab, path: str, name: str = WEB) -> str:
        """Who answered."""
        return self.sees(tab, tab.open(self.site.url(path, name)))

    def sees(self, tab: Tab, page: Response) -> str:
        assert (page.status, page.protocol) == (200, self.protocol)
        if page.url.endswith(INDEX) and "Check it with one command" in tab.text:
            return "evidence"
        if page.url.endswith(SUMS) and tab.text.strip() == self.site.sums().decode().strip():
            return "evidence"
        return str(json.loads(tab.text)["name"])


def _browser(request: pytest.FixtureRequest, protocol: str) -> Chromium:
    browser = request.getfixturevalue("chromium" if protocol == "h2" else "chromium_h1")
    assert isinstance(browser, Chromium)
    return browser


@pytest.fixture(params=["h2", "http/1.1"])
def person(request: pytest.FixtureRequest, by_request: Site) -> Iterator[Person]:
    """At the site that routes by request."""
    with _browser(request, request.param).tab_group() as new_tab:
        yield Person(by_request, request.param, new_tab)


@pytest.fixture(params=["h2", "http/1.1"])
def plain_person(request: pytest.FixtureRequest, by_connection: Site) -> Iterator[Person]:
    """At the site that routes by connection."""
    with _browser(request, request.param).tab_group() as new_tab:
        yield Person(by_connection, request.param, new_tab)


# ---- EVIDENCE_ROUTING=request: every order is right


@pytest.mark.parametrize("paths", [(INDEX, "/", INDEX, "/"), ("/", INDEX, "/", INDEX)])
def test_every_order(person: Person, paths: tuple[str, ...]) -> None:
    tab = person.new_tab()
    right = ["evidence" if path == INDEX else "web" for path in paths]
    assert [person.goes_to(tab, path) for path in paths] == right
    if person.protocol == "h2":
        assert len({answer.connection for answer in tab.responses}) == 1


def test_links_and_reload(person: Person) -> None:
    tab = person.new_tab()
    assert person.goes_to(tab, "/") == "web"
    assert person.goes_to(tab, INDEX) == "evidence"
    assert person.sees(tab, tab.click(SUMS)) == "evidence"
    assert person.sees(tab, tab.reload()) == "evidence"
    assert person.goes_to(tab, "/") == "web"
    assert person.sees(tab, tab.reload()) == "web"


def test_tabs_share_connections(person: Person) -> None:
    tabs = [person.new_tab() for _ in range(3)]
    for number, tab in enumerate(tabs):
        assert person.goes_to(tab, f"/{number}") == "web"
    for tab in tabs:
        assert person.goes_to(tab, INDEX) == "evidence"
        assert person.sees(tab, tab.click(SUMS)) == "evidence"
    assert person.goes_to(tabs[0], "/", OTHER) == "other"
    assert person.goes_to(tabs[1], "/") == "web"


def test_a_page_of_the_app_fetches_evidence(person: Person) -> None:
    tab = person.new_tab()
    assert person.goes_to(tab, "/") == "web"
    script = f"Promise.all([1, 2, 3].map(() => fetch('{SUMS}').then(a => a.text())))"
    assert tab.run(script) == [person.site.sums().decode()] * 3


TOO_WIDE = """
[...document.querySelectorAll('*')]
    .filter(element => element.getBoundingClientRect().right > innerWidth + 0.5)
    .map(element => element.outerHTML.slice(0, 200))
"""
LINES_OF_DIGESTS = """
[...document.querySelectorAll('li code')]
    .map(digest => digest.clientHeight / parseFloat(getComputedStyle(digest).lineHeight))
"""


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_a_telephone_and_a_desktop(person: Person, width: int) -> None:
    tab = person.new_tab()
    tab.resize(width, 844, mobile=width < 600)
    assert person.goes_to(tab, INDEX) == "evidence"
    assert tab.run("innerWidth") == width
    assert tab.run(TOO_WIDE) == []
    assert tab.run("document.documentElement.scrollWidth") <= width
    lines = tab.run(LINES_OF_DIGESTS)
    assert len(lines) >= 4 and max(lines) < 2, lines


# ---- EVIDENCE_ROUTING=connection: what the README says


def test_plain_evidence_first_and_the_app_behind_it(plain_person: Person) -> None:
    tab = plain_person.new_tab()
    assert plain_person.goes_to(tab, INDEX) == "evidence"
    assert plain_person.goes_to(tab, "/") == "web"


def test_plain_evidence_and_a_link_of_it(plain_person: Person) -> None:
    """The page asks for no icon, which would leave a connection to the app behind. A file that
    is only text has no say in that: behind it, it depends on the browser's haste."""
    tab = plain_person.new_tab()
    assert plain_person.goes_to(tab, INDEX) == "evidence"
    assert plain_person.sees(tab, tab.reload()) == "evidence"
    assert {answer.url.rpartition("/")[2] for answer in tab.responses} == {""}
    assert plain_person.sees(tab, tab.click(SUMS)) == "evidence"


def test_plain_a_kept_connection_stays_with_the_app(plain_person: Person) -> None:
    """What L4 cannot do: the app gets the evidence's requests, too."""
    tab = plain_person.new_tab()
    assert plain_person.goes_to(tab, "/") == "web"
    kept = {answer.connection for answer in tab.responses}
    page = tab.open(plain_person.site.url(INDEX, WEB))
    who = plain_person.sees(tab, page)
    # With HTTP/1.1 a busy browser may open another connection, and that one is a new choice.
    assert page.connection in kept or plain_person.protocol != "h2"
    assert who == "web" or page.connection not in kept
    if who == "web":
        assert json.loads(tab.text)["path"] == INDEX


def test_plain_evidence_under_another_name_is_another_connection(plain_person: Person) -> None:
    tab = plain_person.new_tab()
    assert plain_person.goes_to(tab, "/") == "web"
    assert plain_person.goes_to(tab, INDEX, OTHER) == "evidence"
    assert plain_person.goes_to(tab, "/", OTHER) == "other"
