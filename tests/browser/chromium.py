"""A headless Chromium that a test drives: it talks to nobody but the page, and keeps nothing."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.patience import PATIENCE

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="needs chromium and chromedriver (Debian's packages chromium and chromium-driver)",
)


class Browser:
    """One window."""

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_page_load_timeout(PATIENCE)

    def look(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Take this size, and this preference of colours."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, address: str) -> None:
        """Go there; what was said on the console before is forgotten."""
        self.driver.get(address)

    def complaints(self) -> list[str]:
        """What was written to the console since the last look, but for what the browser says of itself."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if not entry["message"].startswith("chrome://")]

    def find(self, selector: str) -> WebElement:
        """The first element."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """The elements that can be seen."""
        return [element for element in self.driver.find_elements(By.CSS_SELECTOR, selector) if element.is_displayed()]

    def text(self, selector: str) -> str:
        """What the first element says."""
        return self.find(selector).text

    def evaluate(self, script: str) -> object:
        """The value of an expression in the page."""
        value: object = self.driver.execute_script(f"return {script}")
        return value

    def wait(self, condition: Callable[[], object], what: str, *, timeout: float = PATIENCE) -> float:
        """Return once it is so, with the seconds it took."""
        began = time.monotonic()
        while not _holds(condition):
            assert time.monotonic() - began < timeout, f"{what} did not come; the page says: {self.text('body')[:2000]}"
            time.sleep(0.02)
        return time.monotonic() - began

    def screenshot(self, path: Path) -> None:
        """Keep what is seen."""
        self.driver.save_screenshot(str(path))

    def close(self) -> None:
        """End it."""
        self.driver.quit()


def _holds(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except StaleElementReferenceException:
        return False
