"""A report of a bad evening in a real browser: 20 balancers, 500 reals, and a server that answers with a script."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from kglb.replay.report import report
from kglb.replay.report_page import report_page
from kglb.replay.source import Source
from kglb.replay.times import record_time
from tests.browser.chromium import Browser, needs_chromium
from tests.projections.builders import real_id
from tests.replay.incidents import evening
from tests.replay.journals import running

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("report")
    evening(directory / "journal")
    path = directory / "incident.html"
    path.write_text(report_page(report([Source(directory / "journal")]), utc=True))
    return path


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Browser]:
    browser.look()
    browser.open(file.as_uri())
    yield browser
    assert browser.complaints() == []


def test_the_summary_says_what_was_worst(page: Browser) -> None:
    assert page.text("#summary") == "68 of 500 reals were down at some time; api had none up"
    assert page.text("#span") == "2026-11-22 14:30:00 – 16:20:00 UTC"
    assert "2 changes by somebody else" in page.text("#figures")
    assert page.text("#count") == "20"


def test_nothing_is_fetched_and_what_servers_answered_stays_text(page: Browser) -> None:
    assert page.evaluate("performance.getEntriesByType('resource').length") == 0
    page.find("#query").send_keys("<script>")
    page.wait(lambda: "answer (<script>alert(1)</script>)" in page.text("#events"), "the answer, as text")
    assert page.evaluate("document.scripts.length") == 2


def test_a_timeline_tells_by_the_arrow_keys_what_was_when(page: Browser) -> None:
    timeline = page.find("[aria-label='10.0.0.1:80, conditions and weight']")
    told = []
    for _ in range(5):
        timeline.send_keys(Keys.ARROW_RIGHT)
        told.append(page.text("#tip"))
        assert timeline.get_attribute("aria-valuetext") == told[-1]
    assert any("Failing: unreachable (no route to host), weight 1000" in text for text in told)
    assert any("Down: unreachable (no route to host), weight 0" in text for text in told)


def test_the_filter_leaves_what_matches(page: Browser) -> None:
    page.find("#query").send_keys("cart 10.0.0.3:80")
    page.wait(lambda: page.text("#count") == "2 of 20", "the two balancers called cart")
    assert [cell.text for cell in page.all("tbody th")] == ["10.0.0.3:80"] * 2


def test_only_trouble_leaves_who_had_some(page: Browser) -> None:
    page.find("#trouble").click()
    assert len(page.all(".story")) == 8
    assert {mark.text for mark in page.all("tbody .total")}.isdisjoint({"–"})


def test_the_chain_of_an_event_reaches_its_root(page: Browser) -> None:
    page.find("#events summary").click()
    page.wait(lambda: len(page.all("#events .chain li")) == 2, "the chain")
    links = [link.text for link in page.all("#events .chain li")]
    assert "10.0.0.1:80 is down" in links[0]
    assert "10.0.0.1:80 fails its checks now" in links[1]


def test_an_outage_that_is_under_way_lasts_as_long_as_is_known_of_its_director(
    browser: Browser, tmp_path: Path
) -> None:
    directors = {host: running(tmp_path / host, host=host) for host in ("lb1", "lb2")}
    for fleet in directors.values():
        fleet.goes(real_id(0), up=False)
    now = directors["lb1"].builder.now + timedelta(hours=1)

    def held_until(source: Source, _: int) -> str:
        return record_time(now) if source.path.name == "lb1" else ""

    found = report([Source(tmp_path / host) for host in directors], held_until=held_until)
    path = tmp_path / "incident.html"
    path.write_text(report_page(found, utc=True))
    browser.look()
    browser.open(path.as_uri())
    assert [cell.text for cell in browser.all("tbody .total.down")] == ["out 1 h", "out 0 s"]
    lb2 = browser.all("[aria-label='10.0.0.1:80, conditions and weight']")[1]
    ActionChains(browser.driver).move_to_element(lb2).perform()
    assert browser.text("#tip").endswith("nothing known")
    assert browser.complaints() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280, 2560])
def test_nothing_is_cut_off(page: Browser, width: int, dark: bool, tmp_path: Path) -> None:
    page.look(width=width, dark=dark)
    page.wait(lambda: page.evaluate("innerWidth") == width, "the new size")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.screenshot(tmp_path / f"report-{width}.png")
