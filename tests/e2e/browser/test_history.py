"""Reading back, and several tabs of one sign-in."""

import asyncio

import httpx
import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.e2e.browser.people import Newcomers, Person

WRITTEN = 130
WRITTEN_AT_LENGTH = 380
MOST_SHOWN = 300

TOKEN = 'JSON.parse(localStorage.getItem("whatchat.session")).accessToken'

EXPIRE = """() => {
  const kept = JSON.parse(localStorage.getItem("whatchat.session"));
  localStorage.setItem("whatchat.session", JSON.stringify({ ...kept, expiresAt: 0 }));
}"""

WITHOUT_LOCKS = 'Object.defineProperty(navigator, "locks", { value: undefined });'


async def test_history_comes_page_by_page_and_keeps_the_readers_place(
    newcomers: Newcomers,
) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    room_id = (await ada.page.evaluate("location.hash")).removeprefix("#/rooms/")
    await _write(newcomers, ada, room_id, WRITTEN)
    await grace.page.reload()
    await grace.open("Ada")
    await expect(grace.words).to_have_count(50)
    await expect(grace.words.last).to_be_in_viewport()

    await _scroll_to_top(grace)
    await expect(grace.words).to_have_count(100)
    await expect(grace.words.nth(50)).to_be_in_viewport()
    await _scroll_to_top(grace)
    await grace.sees(*(f"line {index}" for index in range(WRITTEN)))

    await ada.say("the newest")
    await expect(grace.words.last).to_have_text("the newest")
    await expect(grace.words.last).not_to_be_in_viewport()
    await grace.page.get_by_role("button", name="To the latest message").click()
    await expect(grace.words.last).to_be_in_viewport()


async def test_a_long_room_shows_only_what_is_near_the_reader(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    room_id = (await ada.page.evaluate("location.hash")).removeprefix("#/rooms/")
    await _write(newcomers, ada, room_id, WRITTEN_AT_LENGTH)
    await grace.page.reload()
    await grace.open("Ada")
    await expect(grace.words.last).to_have_text(f"line {WRITTEN_AT_LENGTH - 1}")
    for count in (100, 150, 200, 250, 300):
        await _scroll_to_top(grace)
        await expect(grace.words).to_have_count(count)
    last = WRITTEN_AT_LENGTH
    for first in (last - 350, 0):
        await _scroll_to_top(grace)
        await grace.sees(*(f"line {index}" for index in range(first, first + MOST_SHOWN)))
    await expect(grace.words.nth(last - 350)).to_be_in_viewport()

    await ada.say("the newest")
    await expect(grace.words).to_have_count(MOST_SHOWN)
    await _scroll_to_end(grace)
    await expect(grace.words.first).to_have_text("line 50")
    await expect(grace.row("line 299")).to_be_in_viewport()
    await _scroll_to_end(grace)
    await expect(grace.words.last).to_have_text("the newest")
    await _scroll_to_end(grace)
    await expect(grace.words).to_have_count(MOST_SHOWN)
    await expect(grace.words.last).to_have_text("the newest")
    assert grace.complaints == []


@pytest.mark.parametrize("init", ["", WITHOUT_LOCKS], ids=["in turn", "at once"])
async def test_tabs_do_not_spoil_each_others_refresh(newcomers: Newcomers, init: str) -> None:
    page = await newcomers.page()
    await page.context.add_init_script(init)
    await page.context.route("**/api/auth/refresh", _slowly)
    ada = await newcomers.settle(page, "Ada")
    grace = await newcomers.welcome("Grace")
    second = await ada.page.context.new_page()
    await second.goto(newcomers.url)
    await Person(second, ada.username).is_online()
    refreshes: list[Request] = []
    for page in (ada.page, second):
        page.on("request", lambda one: refreshes.append(one) if "/refresh" in one.url else None)

    await ada.page.evaluate(EXPIRE)
    await asyncio.gather(*(_search(page, grace.username) for page in (ada.page, second)))
    assert refreshes
    refreshes.clear()
    await ada.page.evaluate(EXPIRE)
    await second.reload()
    await Person(second, ada.username).is_online()
    assert refreshes


async def test_signing_out_ends_every_tab(newcomers: Newcomers) -> None:
    ada = await newcomers.welcome("Ada")
    second = await ada.page.context.new_page()
    await second.goto(newcomers.url)
    await Person(second, ada.username).is_online()
    await Person(second, ada.username).sign_out()
    for page in (ada.page, second):
        await expect(page.get_by_role("tab", name="Sign in")).to_be_visible()


async def _slowly(route: Route) -> None:
    """Give the other tab the time to ask as well."""
    await asyncio.sleep(0.5)
    await route.continue_()


async def _search(page: Page, username: str) -> None:
    await page.get_by_label("Search chats and people").fill(username)
    await expect(page.locator(".people-found .line")).to_have_count(1)


async def _scroll_to_top(person: Person) -> None:
    await person.page.locator(".scroller").evaluate("(node) => node.scrollTo({ top: 0 })")


async def _scroll_to_end(person: Person) -> None:
    await person.page.locator(".scroller").evaluate(
        "(node) => node.scrollTo({ top: node.scrollHeight })"
    )


async def _write(newcomers: Newcomers, person: Person, room_id: str, count: int) -> None:
    """Have lines written beside the page, which would take its time to show each."""
    headers = {"Authorization": f"Bearer {await person.page.evaluate(TOKEN)}"}
    async with httpx.AsyncClient(base_url=newcomers.url, headers=headers, trust_env=False) as http:
        for index in range(count):
            client_id = f"message-number-{index:04}"
            body = {"roomId": room_id, "clientId": client_id, "content": f"line {index}"}
            (await http.post("/api/messages", json=body)).raise_for_status()
