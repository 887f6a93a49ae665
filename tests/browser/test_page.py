"""The live page in a real browser, over a real daemon whose reals really die."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from kglb.cli.main import main
from tests.browser.chromium import Browser, needs_chromium
from tests.browser.site import Reals, daemon

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def reals() -> Iterator[Reals]:
    servers = Reals(3, 6)
    yield servers
    servers.close()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def address(directory: Path, reals: Reals) -> Iterator[str]:
    with daemon(directory, reals) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Browser]:
    """The page, live, with every real up."""
    browser.look()
    browser.open(address)
    browser.wait(lambda: browser.text("#link") == "live", "the stream")
    browser.wait(lambda: browser.text("#verdict") == "All 18 reals are up", "the verdict that all is well")
    yield browser
    assert browser.complaints() == []


def row(page: Browser, real: str) -> str:
    """What the row of a real says."""
    return next((row.text for row in page.all("tr.real") if real in row.text.split()), "")


def test_every_balancer_and_real_is_there(page: Browser, reals: Reals) -> None:
    assert [title.text for title in page.all(".balancer h3")] == ["web", "api", "static"]
    assert [name.text for name in page.all(".name")] == [name for names in reals.names for name in names]
    assert {badge.text for badge in page.all(".balancer .badge")} == {"available"}
    assert {counts.text for counts in page.all(".counts")} == {"6 of 6 up"}


def test_a_real_that_dies_shows_at_once_and_its_return_too(page: Browser, reals: Reals) -> None:
    victim = reals.names[1][2]
    reals.kill(victim)
    took = page.wait(lambda: "Down" in row(page, victim), "the death of a real")
    print(f"killed to shown: {took * 1000:.0f} ms, of which up to 200 are until the next check")
    assert "connection refused" in row(page, victim)
    page.wait(lambda: page.text("#verdict") == "1 of 18 reals is down", "the verdict")
    page.wait(lambda: f"{victim} is down" in page.text("#events"), "the event")
    page.wait(lambda: f"{victim} is down" in str(page.find("#spoken").get_attribute("textContent")), "the spoken word")
    reals.revive(victim)
    page.wait(lambda: page.text("#verdict") == "All 18 reals are up", "its return")


def test_a_drained_real_is_not_down_and_says_who_drained_it(page: Browser, reals: Reals, directory: Path) -> None:
    drained = reals.names[2][1]
    options = ["--socket", str(directory / "socket")]
    assert main(["drain", drained, "--note", "new <disk>", *options]) == 0
    page.wait(lambda: "Drained" in row(page, drained), "the drain")
    assert "drained it: new <disk>" in row(page, drained)
    page.wait(lambda: page.text("#verdict") == "All 17 reals are up", "the verdict without it")
    assert main(["restore", drained, *options]) == 0
    page.wait(lambda: page.text("#verdict") == "All 18 reals are up", "its return")


def test_an_event_opens_to_the_records_that_led_to_it(page: Browser, reals: Reals) -> None:
    victim = reals.names[0][0]
    reals.kill(victim)
    applied = f"{victim} by masquerade, weight 0"
    page.wait(lambda: followed_by(page, f"{victim} is down", applied), "the weight in the kernel")
    next(item for item in page.all("#events summary") if applied in item.text).click()
    page.wait(lambda: len(page.all("#events .chain li")) >= 2, "the chain of causes")
    links = [link.text for link in page.all("#events .chain li")]
    assert f"{victim} is down" in links[0]
    assert f"{victim} fails its checks now: connection refused" in links[-1]
    reals.revive(victim)


def followed_by(page: Browser, first: str, then: str) -> bool:
    """Whether the newest event that says ``then`` is newer than one that says ``first``."""
    newest, _, older = page.text("#events").partition(then)
    return bool(older) and first in older and first not in newest


def test_a_config_that_was_rejected_is_complained_of(page: Browser) -> None:
    assert page.evaluate("rejection({ rejected: null })") == []
    said = page.evaluate('rejection({ rejected: { source: "new.toml", errors: ["unknown key", "no name"] } })')
    assert said == ["new.toml was rejected, the previous one stays in force: unknown key; no name"]


def test_the_search_box_filters_and_the_keyboard_reaches_it(page: Browser, reals: Reals) -> None:
    wanted = reals.names[2][4]
    page.find("body").send_keys("/")
    assert page.evaluate("document.activeElement.id") == "query"
    page.find("#query").send_keys(wanted)
    page.wait(lambda: [name.text for name in page.all(".name")] == [wanted], "the only row that matches")
    assert page.text("#balancer-count") == "1 of 3"
    page.find("#query").send_keys(Keys.ESCAPE)
    page.wait(lambda: len(page.all(".name")) == 18, "all rows again")
    page.find("#query").send_keys("nothing of that name")
    page.wait(lambda: "Nothing matches" in page.text("#nothing"), "the hint")
    page.find("#clear").click()
    assert len(page.all(".name")) == 18


def test_a_row_opens_and_closes_by_the_keyboard_alone(page: Browser) -> None:
    name = page.all(".name")[3]
    name.send_keys(Keys.ENTER)
    assert name.get_attribute("aria-expanded") == "true"
    assert "in the kernel" in page.text("tr.detail")
    name.send_keys(Keys.SPACE)
    assert name.get_attribute("aria-expanded") == "false"
    assert page.all("tr.detail") == []


def test_the_first_tab_skips_to_the_balancers(page: Browser) -> None:
    page.find("body").send_keys(Keys.TAB)
    assert page.evaluate("document.activeElement.className") == "skip"


def test_what_is_announced_has_names_and_roles(page: Browser) -> None:
    assert page.evaluate("document.documentElement.lang") == "en"
    for landmark in ("header", "main", "[role=search]", "h1", "[role=status][aria-live=polite]"):
        assert page.find(landmark)
    unnamed = page.evaluate(
        "[...document.querySelectorAll('[role=img], table, section, button, input')].filter((node) =>"
        " !(node.ariaLabel || node.getAttribute('aria-labelledby') || node.textContent || node.labels?.length)).length"
    )
    assert unnamed == 0
    assert page.evaluate("document.querySelectorAll('tr.real > [role=cell], tr.real > [role=rowheader]').length") == 108


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280, 2560])
def test_nothing_is_cut_off_and_the_text_is_readable(page: Browser, width: int, dark: bool, tmp_path: Path) -> None:
    page.look(width=width, dark=dark)
    page.wait(lambda: page.evaluate("innerWidth") == width, "the new size")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.screenshot(tmp_path / f"page-{width}.png")
    for selector in (".facts", ".legend", ".state .up", "#events time", ".figures dt", ".badge"):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page: Browser, selector: str) -> float:
    """The contrast ratio of a text against what is behind it (WCAG 2.1, 1.4.3)."""
    colours = page.evaluate(
        "(() => { let node = document.querySelector('" + selector + "'); const text = getComputedStyle(node).color;"
        " let behind; do { behind = getComputedStyle(node).backgroundColor; node = node.parentElement; }"
        " while (behind === 'rgba(0, 0, 0, 0)' && node); return [text, behind]; })()"
    )
    assert isinstance(colours, list)
    darker, lighter = sorted(luminance(colour) for colour in colours)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of ``rgb(r, g, b)``."""
    channels = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_page_says_when_the_director_is_gone(browser: Browser, tmp_path: Path) -> None:
    reals = Reals(1, 2)
    try:
        with daemon(tmp_path, reals, names=("web",)) as address:
            browser.look()
            browser.open(address)
            browser.wait(lambda: browser.text("#link") == "live", "the stream")
        browser.wait(lambda: "no connection since" in browser.text("#link"), "the news that the director is gone")
    finally:
        reals.close()
    assert all("/events" in complaint or "/state" in complaint for complaint in browser.complaints())
