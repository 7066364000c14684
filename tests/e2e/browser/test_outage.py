"""The node dies under two open pages, and comes back."""

import asyncio

from playwright.async_api import Browser, expect

from tests.e2e.browser.people import READY_MS, UNSENT, Newcomers, Person
from tests.e2e.conftest import NodeFactory


async def test_both_pages_recover_by_themselves_and_show_every_message_once(
    chromium: Browser, node_factory: NodeFactory
) -> None:
    node = await asyncio.to_thread(node_factory)
    newcomers = Newcomers(chromium, node.url)
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    await ada.say("before")
    await grace.open("Ada")
    await grace.sees("before")

    await asyncio.to_thread(node.kill)
    for person in (ada, grace):
        await expect(person.page.locator(".banner")).to_have_text("Reconnecting…")
        await expect(person.page.locator(".banner")).to_be_visible()
    await ada.say("ada, while it is down")
    await ada.say("ada, again")
    await _is_waiting(ada, 2)
    await grace.say("grace, while it is down")
    await _is_waiting(grace, 1)
    await asyncio.to_thread(node.start)
    await asyncio.gather(ada.is_online(), grace.is_online())
    await ada.say("ada, after")
    await _are_all_sent(ada)
    await grace.say("grace, after")
    await _are_all_sent(grace)

    await expect(ada.words).to_have_count(6)
    said = await ada.words.all_text_contents()
    await grace.sees(*said)
    await ada.sees(*said)
    assert sorted(said) == sorted(
        (
            "before",
            "ada, while it is down",
            "ada, again",
            "grace, while it is down",
            "ada, after",
            "grace, after",
        )
    )
    assert [text for text in said if text.startswith("ada")] == [
        "ada, while it is down",
        "ada, again",
        "ada, after",
    ]
    for person in (ada, grace):
        await person.page.reload()
        await person.sees(*said)


async def test_what_was_missed_behind_a_closed_room_counts_as_unread(
    chromium: Browser, node_factory: NodeFactory
) -> None:
    node = await asyncio.to_thread(node_factory)
    newcomers = Newcomers(chromium, node.url)
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    await ada.say("seen")
    await grace.open("Ada")
    await grace.sees("seen")
    await grace.page.evaluate("location.hash = ''")

    await grace.page.context.set_offline(True)
    await asyncio.to_thread(node.restart)
    await ada.is_online()
    await ada.say("missed")
    await ada.sees("seen", "missed")
    await grace.page.context.set_offline(False)
    await grace.is_online()
    await expect(grace.room("Ada").locator(".badge")).to_have_text("1")
    await grace.open("Ada")
    await grace.sees("seen", "missed")


async def _is_waiting(person: Person, count: int) -> None:
    await expect(person.page.locator('.row[data-status="pending"]')).to_have_count(count)


async def _are_all_sent(person: Person) -> None:
    await expect(person.page.locator(UNSENT)).to_have_count(0, timeout=READY_MS)
