"""Single frames are lost between the node and a page."""

from collections.abc import Callable

from playwright.async_api import WebSocketRoute

from tests.e2e.browser.people import Newcomers, Person

Frame = str | bytes


async def test_a_lost_event_is_noticed_by_the_next_and_read(newcomers: Newcomers) -> None:
    lost = Lossy(lambda frame: frame.startswith("42") and "this one is lost" in frame)
    ada, grace = await newcomers.welcome("Ada"), await _behind(lost, newcomers, "Grace")
    await ada.start_chat_with(grace)
    await ada.say("first")
    await grace.open("Ada")
    await grace.sees("first")
    await ada.say("this one is lost")
    await ada.sees("first", "this one is lost")
    await ada.say("last")
    await grace.sees("first", "this one is lost", "last")
    assert lost.frames == 1


async def test_an_answer_lost_with_its_connection_is_asked_for_again(newcomers: Newcomers) -> None:
    lost = Lossy(lambda frame: frame.startswith("43") and "only once" in frame, closes=True)
    ada, grace = await _behind(lost, newcomers, "Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    await ada.say("only once")
    await grace.open("Ada")
    await grace.say("seen")
    for person in (ada, grace):
        await person.sees("only once", "seen")
    assert lost.frames == 1


class Lossy:
    """Drops the first frame to the page that ``matches``, and the connection with it."""

    def __init__(self, matches: Callable[[str], bool], *, closes: bool = False) -> None:
        self.frames = 0
        self._matches = matches
        self._closes = closes

    def __call__(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        async def pass_on(frame: Frame) -> None:
            await self._pass_on(page, frame)

        server.on_message(pass_on)

    async def _pass_on(self, page: WebSocketRoute, frame: Frame) -> None:
        if self.frames == 0 and isinstance(frame, str) and self._matches(frame):
            self.frames += 1
            if self._closes:
                await page.close()
        else:
            page.send(frame)


async def _behind(lossy: Lossy, newcomers: Newcomers, name: str) -> Person:
    page = await newcomers.page()
    await page.route_web_socket(lambda url: "/socket.io/" in url, lossy)
    return await newcomers.settle(page, name)
