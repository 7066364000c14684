"""Takes the pictures of the playground that the README shows: a command, not a test."""

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import expect

from tests.e2e.browser.chromium import running_chromium
from tests.e2e.browser.people import NARROW, Newcomers, Person, Scheme
from tests.e2e.browser.png import squeezed
from tests.e2e.node_process import NodeProcess

DOCS = Path(__file__).parents[3] / "docs"
MAX_BYTES = 200_000
DESKTOP = (1120, 700)
SCALE = 1.5
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
GROUP = "Compiler club"


async def main() -> None:
    """Play a conversation on a node of its own, and write four pictures into ``docs/``."""
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
    people = [await _register(newcomers, name) for name in names]
    await _talk(*people)
    await _in_the_group(*people)
    ada, grace, *_ = people
    for scheme in SCHEMES:
        await ada.page.emulate_media(color_scheme=scheme)
        await grace.page.emulate_media(color_scheme=scheme)
        await _save(ada, f"playground-desktop-{scheme}.png")
        await _save(grace, f"playground-phone-{scheme}.png")


async def _register(newcomers: Newcomers, name: str) -> Person:
    username = name.lower()
    size = DESKTOP if username == "ada" else NARROW
    person = Person(await newcomers.page(size, scale=SCALE), username)
    await person.register(newcomers.url, name)
    return person


async def _talk(ada: Person, grace: Person, linus: Person, margaret: Person) -> None:
    """Fill the list of rooms; what is last written is on top."""
    await margaret.start_chat_with(ada)
    await _say(margaret, "The checklist for Thursday is up")
    await _say(margaret, "Have a look when you can")
    await ada.create_group("Weekend hike", grace, linus, public=False)
    await _say(ada, "Trains leave at 8:10, platform 4")
    await linus.start_chat_with(ada)
    await _say(linus, "Reviewed. Two nits, otherwise good to go")
    await grace.start_chat_with(ada)
    await _say(grace, "Coffee at three?")
    await ada.open("Grace")
    await _say(ada, "Always")


async def _in_the_group(ada: Person, grace: Person, linus: Person, margaret: Person) -> None:
    await ada.create_group(GROUP, grace, linus, margaret, public=True)
    for person in (grace, linus, margaret):
        await person.page.evaluate("location.hash = ''")
        await person.open(GROUP)
    await _say(ada, "Good morning! Did the night run finish?")
    await _say(grace, "It did, a little after four.")
    await _say(
        grace,
        "The failure was a moth, of all things. I taped it into the logbook so that nobody can"
        " say we made it up.",
    )
    await _say(linus, "First actual bug we can close as “removed by hand”.")
    await _say(ada, "Please frame it.")
    await _say(ada, "Shall we tag the release this afternoon, then?")
    await _say(margaret, "All checks are green from my side.")
    await _say(grace, "Ready when you are.")


async def _say(person: Person, text: str) -> None:
    await person.say(text)
    sent = person.page.locator('.row[data-status="sent"] .words').filter(has_text=text)
    await expect(sent).to_be_visible()


async def _save(person: Person, name: str) -> None:
    await expect(person.words.last).to_have_text("Ready when you are.")
    await person.page.evaluate("document.activeElement.blur()")
    picture = squeezed(await person.page.screenshot(animations="disabled"))
    if len(picture) > MAX_BYTES:
        raise AssertionError(f"{name} takes {len(picture):,} bytes, more than {MAX_BYTES:,}")
    (DOCS / name).write_bytes(picture)


if __name__ == "__main__":
    asyncio.run(main())
