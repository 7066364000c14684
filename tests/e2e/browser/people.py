"""People at the playground, each with a browser profile of their own."""

import itertools
import re
from typing import Literal

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect

PASSWORD = "correct horse battery staple"
WIDE = (1280, 800)
NARROW = (390, 844)
READY_MS = 15_000
UNSENT = '.row:is([data-status="pending"], [data-status="failed"])'

Scheme = Literal["light", "dark"]


class Person:
    """One signed-in person looking at one page."""

    def __init__(self, page: Page, username: str, name: str = "") -> None:
        self.page = page
        self.username = username
        self.name = name
        self.complaints: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def register(self, url: str, display_name: str) -> None:
        page, self.name = self.page, display_name
        await page.goto(url)
        await page.get_by_label("Username").fill(self.username)
        await page.get_by_label("Display name").fill(display_name)
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.locator("form").get_by_role("button", name="Create account").click()
        await self.is_online()

    async def sign_in(self, url: str) -> None:
        """Sign in as somebody who has registered elsewhere."""
        await self.page.goto(url)
        await self.page.get_by_role("tab", name="Sign in").click()
        await self.page.get_by_label("Username").fill(self.username)
        await self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await self.page.locator("form").get_by_role("button", name="Sign in").click()
        await self.is_online()

    async def come_back(self, url: str) -> None:
        """Open the page again where one is still signed in."""
        await self.page.goto(url)
        await self.is_online()

    async def is_online(self) -> None:
        """Wait until the page says that it is connected."""
        await expect(self.page.locator(".link-dot")).to_have_attribute(
            "data-link", "online", timeout=READY_MS
        )
        await expect(self.page.locator(".banner")).to_be_hidden()

    async def start_chat_with(self, other: "Person") -> None:
        await self.page.get_by_label("Search chats and people").fill(other.username)
        await self.page.locator(".people-found .line").click()
        await expect(self.page.locator(".chat .line-title")).to_have_text(other.name)

    async def open(self, title: str) -> None:
        await self.room(title).click()
        await expect(self.page.locator(".chat .line-title")).to_have_text(title)

    async def create_group(
        self, name: str, *members: "Person", public: bool, about: str = ""
    ) -> None:
        await self.page.get_by_role("button", name="New group").click()
        await self.page.get_by_label("Name", exact=True).fill(name)
        await self.page.get_by_label("Description").fill(about)
        for member in members:
            await self.page.get_by_label("Search people").fill(member.username)
            await self.page.locator(".picker .found .line").click()
        await self.page.get_by_role("radio", name="Public" if public else "Private").check()
        await self.page.get_by_role("button", name="Create group").click()
        await expect(self.page.locator(".chat .line-title")).to_have_text(name)

    async def sign_out(self) -> None:
        await self.page.get_by_role("button", name="Settings").click()
        await self.page.get_by_role("button", name="Sign out").click()

    async def say(self, text: str) -> None:
        """Write a message and press Enter; it need not be accepted yet."""
        box = self.page.get_by_label("Message", exact=True)
        await box.fill(text)
        await box.press("Enter")

    async def use(self, tool: str, said: str) -> None:
        """Use one of the tools beside a message: React, Reply or More."""
        row = self.row_with(said)
        await row.locator(".bubble").hover()
        await row.locator(".row-tools").get_by_role("button", name=tool).click()

    async def sees(self, *texts: str) -> None:
        """Wait until the open room shows exactly these messages, each once, in this order."""
        await expect(self.words).to_have_text(list(texts), timeout=READY_MS)
        await expect(self.page.locator(UNSENT)).to_have_count(0)

    async def scrolls_sideways(self) -> bool:
        return bool(
            await self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )

    def room(self, title: str) -> Locator:
        """The room's row in the list."""
        exactly = re.compile(f"^{re.escape(title)}$")
        name = self.page.locator(".room-title").filter(has_text=exactly)
        return self.page.locator(".room-row").filter(has=name)

    def row(self, text: str) -> Locator:
        """The message with exactly this text in the open room."""
        return self._row(re.compile(f"^{re.escape(text)}$"))

    def row_with(self, part: str) -> Locator:
        """The message with this in its text."""
        return self._row(part)

    @property
    def words(self) -> Locator:
        return self.page.locator(".messages .words")

    def _row(self, said: str | re.Pattern[str]) -> Locator:
        words = self.page.locator(".words").filter(has_text=said)
        return self.page.locator(".row").filter(has=words)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.text} {message.location.get('url', '')}".rstrip())


class Newcomers:
    """Registers people under fresh usernames."""

    _numbers = itertools.count(1)

    def __init__(self, browser: Browser, url: str) -> None:
        self.url = url
        self._browser = browser

    async def page(
        self, size: tuple[int, int] = WIDE, scheme: Scheme = "light", scale: float = 1
    ) -> Page:
        """A page in a browser profile of its own."""
        width, height = size
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            device_scale_factor=scale,
            locale="en-GB",
        )
        return await context.new_page()

    async def welcome(
        self, name: str, size: tuple[int, int] = WIDE, scheme: Scheme = "light"
    ) -> Person:
        """Register a new person called ``name``, and wait until the page is connected."""
        return await self.settle(await self.page(size, scheme), name)

    async def settle(self, page: Page, name: str) -> Person:
        """Register a new person called ``name`` on a page that is prepared already."""
        person = Person(page, f"{name.lower()}-{next(self._numbers)}")
        await person.register(self.url, name)
        return person

    async def on_another_device(
        self, person: Person, size: tuple[int, int] = WIDE, scheme: Scheme = "light"
    ) -> Person:
        """The same person, signed in on a second device."""
        device = Person(await self.page(size, scheme), person.username, person.name)
        await device.sign_in(self.url)
        return device
