"""What people are told when something is refused, and how they tell of somebody themselves."""

import json
from typing import Any

from playwright.async_api import Route, expect

from tests.e2e.browser.people import PASSWORD, Newcomers
from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import rest


async def test_a_message_and_a_person_are_reported(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    sent: list[dict[str, Any]] = []
    ada.page.on(
        "request",
        lambda one: (
            sent.append(json.loads(one.post_data or "{}"))
            if one.url.endswith("/api/reports")
            else None
        ),
    )
    await grace.start_chat_with(ada)
    await grace.say("Buy my pills")
    await ada.open("Grace")
    await ada.use("More", "Buy my pills")
    await ada.page.get_by_role("button", name="Report…").click()
    dialog = ada.page.get_by_role("dialog", name="Report message")
    await dialog.get_by_label("What is wrong?").fill("This is spam")
    await dialog.get_by_role("button", name="Send report").click()
    await expect(ada.page.locator(".toast")).to_have_text("Thank you. Your report was sent.")
    await expect(dialog).to_have_count(0)
    await ada.page.get_by_role("button", name="About this chat").click()
    await ada.page.get_by_role("button", name="Report Grace…").click()
    dialog = ada.page.get_by_role("dialog", name="Report Grace")
    await dialog.get_by_label("What is wrong?").fill("Again and again")
    await dialog.get_by_role("button", name="Send report").click()
    await expect(dialog).to_have_count(0)
    message, person = sent
    assert (set(message), message["reason"]) == ({"messageId", "reason"}, "This is spam")
    assert (set(person), person["reason"]) == ({"userId", "reason"}, "Again and again")
    await ada.say("I have reported this")
    await ada.use("More", "I have reported")
    await expect(ada.page.get_by_role("button", name="Report…")).to_have_count(0)


async def test_whoever_is_too_fast_hears_how_long_to_wait(newcomers: Newcomers) -> None:
    page = await newcomers.page()
    wait = {"code": "rate_limited", "message": "x", "retryable": True, "retryAfterMs": 4_200}

    async def refuse(route: Route) -> None:
        await route.fulfill(status=429, json={"error": wait})

    await page.route("**/api/auth/register", refuse)
    await page.goto(newcomers.url)
    await page.get_by_label("Username").fill("somebody")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.locator("form").get_by_role("button", name="Create account").click()
    await expect(page.locator(".problem")).to_have_text(
        "That was too much in a short time. Try again in 5 seconds."
    )


async def test_a_password_that_is_soon_guessed_is_named_so(newcomers: Newcomers) -> None:
    page = await newcomers.page()
    await page.goto(newcomers.url)
    await page.get_by_label("Username").fill("somebody.else")
    await page.get_by_label("Password", exact=True).fill("password1")
    await page.locator("form").get_by_role("button", name="Create account").click()
    await expect(page.locator(".problem")).to_contain_text("easy to guess")
    await expect(page.get_by_label("Password", exact=True)).to_be_focused()


async def test_whoever_is_signed_out_from_elsewhere_is_told(
    newcomers: Newcomers, node: NodeProcess
) -> None:
    ada = await newcomers.welcome("Ada")
    login = {"username": ada.username, "password": PASSWORD}
    _, elsewhere = await rest(node, "POST", "/auth/login", login)
    change = {"currentPassword": PASSWORD, "newPassword": "another staple, correct horse"}
    await rest(node, "POST", "/auth/password", change, token=elsewhere["accessToken"])
    notice = ada.page.locator(".notice")
    await expect(notice).to_have_text("You were signed out. Sign in again to go on.")
    await expect(ada.page.get_by_role("tab", name="Sign in")).to_have_attribute(
        "aria-selected", "true"
    )
    await expect(ada.page.get_by_label("Username")).to_be_visible()
