"""People talk to each other in browsers."""

from playwright.async_api import expect

from tests.e2e.browser.people import PASSWORD, Newcomers


async def test_two_people_talk_both_ways(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    await ada.say("Did it compile?")
    await expect(grace.room("Ada").locator(".badge")).to_have_text("1")
    await grace.open("Ada")
    await expect(grace.room("Ada").locator(".badge")).to_be_hidden()
    await grace.say("At the first attempt.")
    await ada.say("<b>Astonishing</b> & true")
    for person in (ada, grace):
        await person.sees("Did it compile?", "At the first attempt.", "<b>Astonishing</b> & true")
        assert person.complaints == []


async def test_enter_sends_and_shift_enter_breaks_the_line(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.start_chat_with(grace)
    box = ada.page.get_by_label("Message", exact=True)
    await box.press_sequentially("one")
    await box.press("Shift+Enter")
    await box.press_sequentially("two")
    await expect(ada.words).to_have_count(0)
    await box.press("Enter")
    await ada.sees("one\ntwo")
    await expect(box).to_have_value("")


async def test_a_public_room_is_found_joined_and_run(newcomers: Newcomers) -> None:
    ada, grace = await newcomers.welcome("Ada"), await newcomers.welcome("Grace")
    await ada.create_group("Compiler club", public=True)
    await ada.say("Anybody here?")
    await grace.page.get_by_role("button", name="Public rooms").click()
    await grace.page.get_by_role("button", name="Join Compiler club").click()
    await grace.say("I am.")
    for person in (ada, grace):
        await person.sees("Anybody here?", "I am.")

    await ada.page.get_by_role("button", name="About this chat").last.click()
    member = ada.page.locator(f'.members [data-user="{grace.username}"]')
    await member.get_by_label("Actions for Grace").click()
    await member.get_by_role("button", name="Make admin").click()
    await expect(member.locator(".tag")).to_have_text("admin")

    await member.get_by_label("Actions for Grace").click()
    await member.get_by_role("button", name="Remove").click()
    await ada.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(member).to_have_count(0)
    await expect(grace.room("Compiler club")).to_have_count(0)
    await expect(grace.page.locator(".nothing")).to_be_visible()
    assert ada.complaints == grace.complaints == []


async def test_people_are_added_to_a_group_and_leave_it(newcomers: Newcomers) -> None:
    ada, grace, linus = [await newcomers.welcome(name) for name in ("Ada", "Grace", "Linus")]
    await ada.create_group("Kernel", grace, public=False)
    await grace.open("Kernel")
    await ada.page.get_by_role("button", name="About this chat").last.click()
    await ada.page.get_by_role("button", name="Add people").click()
    await ada.page.get_by_label("Search people").fill(linus.username)
    await ada.page.locator(".picker .found .line").click()
    await ada.page.get_by_role("button", name="Add", exact=True).click()
    await linus.open("Kernel")
    await linus.say("Hello.")
    await grace.sees("Hello.")

    await grace.page.get_by_role("button", name="About this chat").last.click()
    await expect(grace.page.locator(".members .line")).to_have_count(3)
    await grace.page.get_by_role("button", name="Leave group").click()
    await grace.page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    await expect(grace.room("Kernel")).to_have_count(0)
    await expect(ada.page.locator(".members .line")).to_have_count(2)


async def test_whoever_signs_out_can_sign_in_again(newcomers: Newcomers) -> None:
    ada = await newcomers.welcome("Ada")
    await ada.sign_out()
    await ada.page.get_by_role("tab", name="Sign in").click()
    await ada.page.get_by_label("Username").fill(ada.username)
    await ada.page.get_by_label("Password", exact=True).fill("not the password")
    submit = ada.page.locator("form").get_by_role("button", name="Sign in")
    await submit.click()
    await expect(ada.page.get_by_role("alert")).to_have_text("Wrong username or password.")
    await ada.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await submit.click()
    await ada.is_online()
