"""The page works under the policy that it is served with, and that policy does hold."""

from playwright.async_api import Page, expect

from tests.e2e.browser.people import Newcomers, Person

NOTE_VIOLATIONS = """
window.violations = [];
addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
  window.violations.push(`${effectiveDirective} ${blockedURI}`);
});
"""
EVIL = {
    "style-src-attr": "document.body.setAttribute('style', 'color: red')",
    "style-src-elem": "style.textContent = 'p { color: red }'; document.head.append(style)",
    "img-src": "image.src = 'https://elsewhere.example/pixel.png'; document.body.append(image)",
    "connect-src": "fetch('https://elsewhere.example/').catch(() => null)",
    "require-trusted-types-for": "try { script.textContent = 'window.evil = true' } catch {};"
    "document.body.append(script)",
    "base-uri": "base.href = 'https://elsewhere.example/'; document.head.append(base)",
}
ELEMENTS = "".join(
    f"const {name} = document.createElement('{tag}');"
    for name, tag in (("script", "script"), ("style", "style"), ("image", "img"), ("base", "base"))
)


async def test_everything_that_people_do_is_within_the_policy(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    for one in (ada, grace):
        await one.page.add_init_script(NOTE_VIOLATIONS)
        await one.page.reload()
        await one.is_online()
    await ada.start_chat_with(grace)
    await ada.say("Look: <b>no</b> https://elsewhere.example/")
    await grace.open("Ada")
    await grace.use("React", "Look")
    await grace.page.keyboard.press("Escape")
    await grace.use("More", "Look")
    await grace.page.keyboard.press("Escape")
    await grace.page.get_by_role("button", name="Settings").click()
    await grace.page.keyboard.press("Escape")
    await ada.page.goto(f"{newcomers.url}/docs")
    await expect(ada.page.get_by_role("heading", name="REST")).to_be_visible()
    for one in (ada, grace):
        assert await _violations(one.page) == []
        assert one.complaints == []


async def test_whatever_else_would_run_or_load_is_stopped(newcomers: Newcomers) -> None:
    ada = await newcomers.welcome("Ada")
    await ada.page.add_init_script(NOTE_VIOLATIONS)
    await ada.page.reload()
    await ada.is_online()
    await ada.page.evaluate(f"() => {{ {ELEMENTS} {'; '.join(EVIL.values())} }}")
    await expect(ada.page.locator("#app")).to_be_attached()
    stopped = {violation.partition(" ")[0] for violation in await _violations(ada.page)}
    assert stopped >= EVIL.keys()
    assert await ada.page.evaluate("window.evil") is None


async def test_no_page_may_frame_another(newcomers: Newcomers) -> None:
    page = await newcomers.page()
    await page.goto(f"{newcomers.url}/docs")
    person = Person(page, "nobody")
    await page.evaluate(
        "() => { const frame = document.createElement('iframe'); frame.src = '/';"
        " document.body.append(frame); }"
    )
    await expect(page.locator("iframe")).to_be_attached()
    await page.wait_for_timeout(200)
    assert any("frame" in complaint.lower() for complaint in person.complaints)


async def _violations(page: Page) -> list[str]:
    found: list[str] = await page.evaluate("window.violations")
    return found
