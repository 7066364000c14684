"""The pages fit the screen, follow the colour scheme and run without a complaint."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.browser.people import NARROW, WIDE, Newcomers, Person, Scheme

LONG = "a-very-long-word-without-any-place-to-break-it-" * 8
BACKGROUND = "getComputedStyle(document.body).backgroundColor"

on_every_screen = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["desktop", "phone"])
in_every_scheme = pytest.mark.parametrize("scheme", ["light", "dark"])


@on_every_screen
@in_every_scheme
async def test_every_view_fits(newcomers: Newcomers, size: tuple[int, int], scheme: Scheme) -> None:
    page = await newcomers.page(size, scheme)
    ada = Person(page, f"ada-{scheme}-{size[0]}")
    await page.goto(newcomers.url)
    assert not await ada.scrolls_sideways()
    assert (await _brightness(page) < 128) == (scheme == "dark")

    await ada.register(newcomers.url, "Ada")
    assert not await ada.scrolls_sideways()
    await page.get_by_role("button", name="New group").click()
    assert not await ada.scrolls_sideways()
    await page.get_by_role("button", name="Close").click()
    await ada.create_group("A group with a rather long name, as they tend to have", public=True)
    await ada.say(LONG)
    await ada.sees(LONG)
    assert not await ada.scrolls_sideways()
    await page.get_by_role("button", name="About this chat").last.click()
    await expect(page.locator(".details")).to_be_in_viewport(ratio=1)
    assert not await ada.scrolls_sideways()
    assert ada.complaints == []


@on_every_screen
@in_every_scheme
async def test_the_reference_fits(
    newcomers: Newcomers, size: tuple[int, int], scheme: Scheme
) -> None:
    page = await newcomers.page(size, scheme)
    reader = Person(page, "")
    await page.goto(f"{newcomers.url}/docs")
    for said in ("/api/auth/register", "message:send", "message:new", "unauthenticated"):
        await expect(page.get_by_text(said, exact=True).first).to_be_attached()
    assert not await reader.scrolls_sideways()
    assert (await _brightness(page) < 128) == (scheme == "dark")
    assert reader.complaints == []


async def test_a_phone_shows_one_pane_at_a_time(newcomers: Newcomers) -> None:
    ada = await newcomers.welcome("Ada", NARROW)
    await ada.create_group("Pocket", public=False)
    await expect(ada.page.locator(".sidebar")).to_be_hidden()
    await ada.page.get_by_role("button", name="Back to chats").click()
    await expect(ada.page.locator(".chat")).to_be_hidden()
    await expect(ada.room("Pocket")).to_be_visible()


async def _brightness(page: Page) -> float:
    colour: str = await page.evaluate(BACKGROUND)
    red, green, blue = (float(part) for part in colour.strip("rgb()").split(", "))
    return (red + green + blue) / 3
