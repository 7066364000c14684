"""Three people, one of them on two devices, do what people do with a messenger."""

import re

from playwright.async_api import Locator, expect

from tests.e2e.browser.people import NARROW, READY_MS, Newcomers, Person

DISAPPEAR = """async ([roomId, disappearAfterSeconds]) => {
  const { accessToken } = JSON.parse(localStorage.getItem("whatchat.session"));
  const headers = { Authorization: `Bearer ${accessToken}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ settings: { disappearAfterSeconds } });
  return (await fetch(`/api/rooms/${roomId}`, { method: "PUT", headers, body })).status;
}"""

GONE_MS = 30_000
"""Whoever leaves is offline once a reconnect is no longer expected."""


async def test_a_message_is_sent_then_delivered_then_read(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    await grace.page.goto("about:blank")
    await ada.say("Are you there?")
    await _has_ticks(ada, "Are you there?", "Sent")
    await grace.come_back(newcomers.url)
    await _has_ticks(ada, "Are you there?", "Delivered")
    await grace.open("Ada")
    await _has_ticks(ada, "Are you there?", "Read")
    await expect(ada.room("Grace").locator(".status")).to_have_attribute("aria-label", "Read")


async def test_a_group_says_how_many_have_read(newcomers: Newcomers) -> None:
    ada, grace, linus = [await newcomers.welcome(name) for name in ("Ada", "Grace", "Linus")]
    await ada.create_group("Kernel", grace, linus, public=False)
    await ada.say("Patch is in")
    await _has_ticks(ada, "Patch is in", "Delivered")
    await grace.open("Kernel")
    readers = ada.row("Patch is in").locator(".read-by")
    await expect(readers).to_have_text("Read by 1")
    await readers.click()
    details = ada.page.get_by_role("dialog", name="Message details")
    await expect(details.locator("ul").filter(has_text="Grace")).to_have_count(1)
    await expect(details).to_contain_text(re.compile("Read by.*Grace.*Delivered to.*Linus"))
    await ada.page.keyboard.press("Escape")
    await linus.open("Kernel")
    await expect(readers).to_have_text("Read by all")
    await _has_ticks(ada, "Patch is in", "Read")


async def test_whoever_writes_is_seen_writing(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    await ada.say("hello")
    await grace.open("Ada")
    box = grace.page.get_by_label("Message", exact=True)
    await box.press_sequentially("Let me th")
    for place in (".chat .line-note", ".room-preview", ".typing .unseen"):
        await expect(ada.page.locator(place)).to_have_text("typing…")
    await box.fill("")
    await expect(ada.page.locator(".typing")).to_be_hidden()
    await expect(ada.room("Grace").locator(".room-preview")).to_have_text("hello")
    await box.press_sequentially("I thi")
    await expect(ada.page.locator(".typing")).to_be_visible()
    await grace.say("I think so")
    await ada.sees("hello", "I think so")
    await expect(ada.page.locator(".typing")).to_be_hidden()


async def test_a_dot_says_who_is_there(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    await ada.say("hello")
    await grace.open("Ada")
    await grace.say("hello back")
    dot = ada.room("Grace").locator(".presence-dot")
    await expect(dot).to_be_visible()
    await expect(ada.page.locator(".chat .line-note")).to_have_text("online")
    await grace.page.goto("about:blank")
    await expect(dot).to_be_hidden(timeout=GONE_MS)
    await expect(ada.page.locator(".chat .line-note")).to_contain_text("last seen today")
    await grace.come_back(newcomers.url)
    await expect(dot).to_be_visible()


async def test_messages_are_answered_edited_reacted_to_and_deleted(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    await ada.say("Coffee at three?")
    await grace.open("Ada")
    await grace.use("Reply", "Coffee at three?")
    await grace.say("Yes")
    quote = ada.row("Yes").locator(".quote")
    await expect(quote).to_have_text("YouCoffee at three?")
    await quote.click()
    await expect(ada.row("Coffee at three?")).to_have_attribute("data-pointed", "")

    await ada.use("React", "Yes")
    await ada.page.get_by_role("button", name="party").click()
    reaction = grace.row("Yes").locator(".reaction")
    await expect(reaction).to_have_attribute("aria-label", "party, 1: Ada")
    await reaction.click()
    await expect(ada.row("Yes").locator(".reaction")).to_have_text("🎉2")
    await ada.row("Yes").locator(".reaction").click()
    await expect(reaction).to_have_attribute("aria-label", "party, 1: You")

    box = ada.page.get_by_label("Message", exact=True)
    await box.press("ArrowUp")
    await expect(box).to_have_value("Coffee at three?")
    await box.fill("Coffee at four?")
    await box.press("Enter")
    await grace.sees("Coffee at four?", "Yes")
    await expect(grace.row("Coffee at four?").locator(".meta")).to_contain_text("edited")
    await expect(grace.row("Yes").locator(".quote")).to_contain_text("Coffee at four?")

    await grace.use("More", "Yes")
    await grace.page.get_by_role("button", name="Delete").click()
    await grace.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for person in (ada, grace):
        await person.sees("Coffee at four?", "Message deleted")
        assert person.complaints == []


async def test_both_devices_of_one_person_agree_on_what_is_unread(newcomers: Newcomers) -> None:
    ada, grace, linus = [await newcomers.welcome(name) for name in ("Ada", "Grace", "Linus")]
    phone = await newcomers.on_another_device(ada, NARROW)
    await grace.start_chat_with(ada)
    await grace.say("one")
    await grace.say("two")
    await grace.use("More", "two")
    await grace.page.get_by_role("button", name="Delete").click()
    await grace.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await grace.sees("one", "Message deleted")
    await linus.start_chat_with(ada)
    await linus.say("three")
    newest = await newcomers.on_another_device(ada, NARROW)
    for device in (ada, phone, newest):
        await expect(device.room("Grace").locator(".badge")).to_have_text("2")
        await expect(device.room("Linus").locator(".badge")).to_have_text("1")
        await expect(device.page).to_have_title("(2) Whatchat")
    await phone.open("Grace")
    await expect(phone.page.locator(".unread-line")).to_have_count(1)
    await expect(ada.room("Grace").locator(".badge")).to_be_hidden()
    await expect(ada.page).to_have_title("(1) Whatchat")
    await phone.say("answered from the phone")
    preview = ada.room("Grace").locator(".room-preview")
    await expect(preview).to_have_text("answered from the phone")
    await ada.page.reload()
    await ada.is_online()
    await expect(ada.room("Linus").locator(".badge")).to_have_text("1")
    await expect(ada.room("Grace").locator(".badge")).to_be_hidden()


async def test_whoever_is_blocked_is_not_heard_and_not_told(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    await ada.say("before")
    await grace.open("Ada")
    await ada.page.get_by_role("button", name="About this chat").last.click()
    await ada.page.get_by_role("button", name="Block Grace").click()
    await ada.page.get_by_role("dialog").get_by_role("button", name="Block").click()
    await expect(ada.page.locator(".composer-blocked")).to_be_visible()
    await grace.say("into the void")
    await _has_ticks(grace, "into the void", "Sent")

    await ada.page.get_by_role("button", name="Settings").click()
    await ada.page.get_by_role("button", name="Blocked people").click()
    blocked = ada.page.get_by_role("dialog", name="Blocked people")
    await blocked.get_by_role("button", name="Unblock Grace").click()
    await expect(blocked).to_contain_text("You have blocked nobody.")
    for _ in ("people", "settings"):
        await ada.page.keyboard.press("Escape")
    await expect(ada.page.locator(".composer-blocked")).to_be_hidden()
    await ada.say("after")
    await grace.sees("before", "into the void", "after")
    await ada.sees("before", "after")


async def test_a_group_changes_before_everybodys_eyes(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.create_group("Kernel", grace, public=False)
    await grace.open("Kernel")
    await ada.page.get_by_role("button", name="About this chat").last.click()
    await ada.page.get_by_role("button", name="Group settings").click()
    dialog = ada.page.get_by_role("dialog", name="Group settings")
    await dialog.get_by_label("Name", exact=True).fill("Kernel and friends")
    await dialog.get_by_label("Description").fill("All things close to the metal")
    await dialog.get_by_role("switch", name="Public").check()
    await dialog.get_by_label("Messages disappear after").select_option(label="1 hour")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_have_count(0)

    await expect(grace.page.locator(".chat .line-title")).to_have_text("Kernel and friends")
    await expect(grace.page.locator(".chat .line-note")).to_contain_text("public")
    await expect(grace.page.locator(".system").first).to_contain_text("Ada changed")
    await grace.page.get_by_role("button", name="About this chat").last.click()
    details = grace.page.locator(".details")
    await expect(details).to_contain_text("All things close to the metal")
    await expect(details.locator(".facts")).to_contain_text("1 hour")
    await grace.say("Gone in an hour")
    await expect(ada.row("Gone in an hour").locator(".timer")).to_be_visible()


async def test_both_people_of_a_direct_chat_decide_what_is_kept(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    await ada.say("stays")
    await grace.open("Ada")
    for person in (ada, grace):
        await person.page.get_by_role("button", name="About this chat").last.click()
    span = "Messages disappear after"
    await ada.page.get_by_label(span).select_option(label="1 hour")
    mark = grace.page.locator(".chat .span-mark")
    await expect(mark).to_have_attribute("title", "Messages disappear after 1 hour")
    await expect(mark).to_contain_text("1 h")
    await expect(grace.page.get_by_label(span)).to_have_value("3600")
    await grace.say("Gone in an hour")
    await expect(ada.row("Gone in an hour").locator(".timer")).to_be_visible()
    await expect(ada.row("stays").locator(".timer")).to_have_count(0)

    await grace.page.get_by_label(span).select_option(label="Never")
    await expect(ada.page.locator(".chat .span-mark")).to_be_hidden()
    await expect(ada.page.get_by_label(span)).to_have_value("")
    await grace.page.get_by_role("switch", name="Deliver only").check()
    await expect(ada.page.get_by_role("switch", name="Deliver only")).to_be_checked()
    for person in (ada, grace):
        assert person.complaints == []


async def test_a_message_disappears_in_time_on_every_screen(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.create_group("Kernel", grace, public=False)
    await ada.say("stays")
    await grace.open("Kernel")
    room_id = (await ada.page.evaluate("location.hash")).removeprefix("#/rooms/")
    assert await ada.page.evaluate(DISAPPEAR, [room_id, 8]) == 200
    await ada.say("goes")
    await grace.sees("stays", "goes")
    for person in (ada, grace):
        await person.sees("stays")
        assert person.complaints == []
    await expect(ada.room("Kernel").locator(".room-preview")).to_have_text("Message disappeared")


async def test_a_word_is_found_and_gone_to(newcomers: Newcomers) -> None:
    ada = await newcomers.welcome("Ada")
    await ada.create_group("Notes", public=False)
    await ada.say("The moth is in the logbook")
    await ada.say("Something else")
    await ada.page.get_by_label("Search chats and people").fill("MOTH")
    found = ada.page.locator(".found-message")
    await expect(found.locator("mark")).to_have_text("moth", timeout=READY_MS)
    await found.click()
    row = ada.row("The moth is in the logbook")
    await expect(row).to_have_attribute("data-pointed", "")


async def test_devices_are_signed_out_one_by_one(newcomers: Newcomers) -> None:
    ada = await newcomers.welcome("Ada")
    phone = await newcomers.on_another_device(ada, NARROW)
    await ada.page.get_by_role("button", name="Settings").click()
    await ada.page.get_by_role("button", name="Devices").click()
    devices = ada.page.get_by_role("list", name="Devices").locator("li")
    await expect(devices).to_have_count(2)
    await devices.get_by_role("button", name=re.compile("^Sign out")).click()
    await expect(devices).to_have_count(1)
    await expect(phone.page.get_by_role("tab", name="Sign in")).to_be_visible(timeout=READY_MS)


async def _has_ticks(person: Person, text: str, label: str) -> None:
    await expect(_ticks(person, text)).to_have_attribute("aria-label", label)


def _ticks(person: Person, text: str) -> Locator:
    return person.row(text).locator(".status")
