"""Takes the pictures of the playground that the README shows: a command, not a test."""

import asyncio
import re
import tempfile
from pathlib import Path

from playwright.async_api import expect

from tests.e2e.browser.chromium import running_chromium
from tests.e2e.browser.people import NARROW, READY_MS, Newcomers, Person, Scheme
from tests.e2e.browser.png import squeezed
from tests.e2e.node_process import NodeProcess

DOCS = Path(__file__).parents[3] / "docs"
MAX_BYTES = 250_000
DESKTOP = (1200, 780)
SCALE = 1.5
SETTLED_MS = 700
ANY_SEQ = re.compile(r"^\d+$")
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
GROUP = "Compiler club"
ABOUT = "Where night runs are discussed over breakfast"
READY = "Ready when you are 🚀"


async def main() -> None:
    """Play a conversation on a node of its own, and put pictures of it into ``docs/``."""
    with tempfile.TemporaryDirectory() as folder:
        node = NodeProcess(Path(folder))
        node.start()
        try:
            async with running_chromium() as browser:
                await _take_pictures(Newcomers(browser, node.url))
        finally:
            node.close()


async def _take_pictures(newcomers: Newcomers) -> None:
    names = ("Ada", "Grace", "Linus", "Margaret")
    ada, grace, linus, margaret = [await _register(newcomers, name) for name in names]
    await _fill_the_list(ada, grace, linus, margaret)
    await _have_coffee(ada, grace)
    await _in_the_group(ada, grace, linus, margaret)
    await _is_read_by_all(ada)
    await _go_to(grace, "Ada")
    await _is_read(grace, "🎉")
    await _picture_each(ada, grace, linus)
    await _picture_more(ada, grace)
    phone = Person(await newcomers.page(NARROW, "dark", SCALE), ada.username, ada.name)
    await phone.sign_in(newcomers.url)
    await _write_something(linus)
    await _save(phone, "playground-chats.png")


async def _register(newcomers: Newcomers, name: str) -> Person:
    username = name.lower()
    size = NARROW if username == "grace" else DESKTOP
    person = Person(await newcomers.page(size, scale=SCALE), username)
    await person.register(newcomers.url, name)
    return person


async def _fill_the_list(ada: Person, grace: Person, linus: Person, margaret: Person) -> None:
    """What is last written is on top."""
    await margaret.start_chat_with(ada)
    await _say(margaret, "The checklist for Thursday is up")
    await _say(margaret, "Have a look when you can 🙏")
    await ada.create_group("Weekend hike", grace, linus, public=False)
    await _say(ada, "Trains leave at 8:10, platform 4")
    await linus.start_chat_with(ada)
    await _say(linus, "Reviewed. Two nits, otherwise good to go")


async def _have_coffee(ada: Person, grace: Person) -> None:
    await grace.start_chat_with(ada)
    await _say(grace, "The new kettle has arrived ☕")
    await ada.open("Grace")
    await _say(ada, "Finally! Does it count as infrastructure?")
    await _say(grace, "It has two pods and it scales out by adding cups, so I would say yes")
    await _react(ada, "scales out", "tears of joy")
    await _say(grace, "Coffee at three?")
    await ada.use("Reply", "Coffee at three?")
    await _say(ada, "Always")
    await _react(grace, "Always", "heart")
    await _say(ada, "I bring the cake 🍰")
    await _say(grace, "And I the logbook")
    await _say(grace, "🎉")


async def _in_the_group(ada: Person, grace: Person, linus: Person, margaret: Person) -> None:
    await ada.create_group(GROUP, grace, linus, margaret, public=True, about=ABOUT)
    for person in (grace, linus, margaret):
        await _go_to(person, GROUP)
    await _say(ada, "Good morning! Did the night run finish?")
    await _say(grace, "It did, a little after four.")
    await _say(
        grace,
        "The failure was a moth, of all things. I taped it into the logbook so that nobody can"
        " say we made it up.",
    )
    for person in (ada, linus, margaret):
        await _react(person, "a moth", "tears of joy")
    await _react(linus, "a moth", "bug")
    await linus.use("Reply", "a moth")
    await _say(linus, "First actual bug we can close as “removed by hand”.")
    await _say(ada, "Please frame it.")
    await _promote(ada, margaret)
    await _say(margaret, "All checks are green from my side.")
    await _react(ada, "All checks", "thumbs up")
    await _say(grace, READY)
    await _say(ada, "Tagging it this afternoon, then.")


async def _promote(admin: Person, member: Person) -> None:
    page = admin.page
    await page.get_by_role("button", name="About this chat").last.click()
    line = page.locator(f'.members [data-user="{member.username}"]')
    await line.get_by_label(f"Actions for {member.name}").click()
    await line.get_by_role("button", name="Make admin").click()
    await expect(line.locator(".tag")).to_have_text("admin")
    await page.locator(".details").get_by_role("button", name="Close").click()


async def _picture_each(ada: Person, grace: Person, linus: Person) -> None:
    """The same in light and in dark, on a desktop and on a phone."""
    for scheme in SCHEMES:
        for person in (ada, grace):
            await person.page.emulate_media(color_scheme=scheme)
            await person.page.evaluate("document.activeElement.blur()")
        await _write_something(linus)
        await expect(ada.page.locator(".typing")).to_be_visible()
        await _save(ada, f"playground-desktop-{scheme}.png")
        await _save(grace, f"playground-phone-{scheme}.png")


async def _picture_more(ada: Person, grace: Person) -> None:
    """What opens at a click."""
    await grace.row_with("Always").locator(".bubble").click(button="right")
    await _save(grace, "playground-menu.png")
    await ada.page.emulate_media(color_scheme="light")
    await ada.page.get_by_role("button", name="About this chat").last.click()
    await _save(ada, "playground-details.png")
    await ada.page.get_by_role("button", name="Group settings").click()
    await _save(ada, "playground-settings.png")


async def _write_something(person: Person) -> None:
    box = person.page.get_by_label("Message", exact=True)
    await box.fill("")
    await box.press_sequentially("I will bri")


async def _go_to(person: Person, title: str) -> None:
    await person.page.evaluate("location.hash = ''")
    await person.open(title)


async def _react(person: Person, said: str, emoji: str) -> None:
    await person.use("React", said)
    await person.page.get_by_role("button", name=emoji, exact=True).click()
    await expect(person.row_with(said).locator(".reaction").first).to_be_visible()
    await person.page.mouse.move(0, 0)


async def _say(person: Person, text: str) -> None:
    await person.say(text)
    await expect(person.row(text)).to_have_attribute("data-seq", ANY_SEQ)


async def _is_read(person: Person, said: str) -> None:
    status = person.row(said).locator(".status")
    await expect(status).to_have_attribute("aria-label", "Read", timeout=READY_MS)


async def _is_read_by_all(person: Person) -> None:
    await expect(person.page.locator(".read-by:visible")).to_have_text("Read by all")


async def _save(person: Person, name: str) -> None:
    await person.page.mouse.move(0, 0)
    await person.page.wait_for_timeout(SETTLED_MS)
    picture = squeezed(await person.page.screenshot(animations="disabled"))
    if len(picture) > MAX_BYTES:
        raise AssertionError(f"{name} takes {len(picture):,} bytes, more than {MAX_BYTES:,}")
    (DOCS / name).write_bytes(picture)


if __name__ == "__main__":
    asyncio.run(main())
