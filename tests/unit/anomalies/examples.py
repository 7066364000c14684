"""For each rule what breaks it, sighting by sighting: ``number`` tells one from another."""

from collections.abc import Callable, Mapping

from whatchat.anomalies.sighting import Sighting
from whatchat.domain.audit import NEW_DEVICE
from whatchat.domain.ids import DeviceId, UserId

EVE, BOB = UserId("eve"), UserId("bob")
ADDRESS = "192.0.2.66"


def somebody(number: int) -> UserId:
    return UserId(f"somebody-{number}")


def sign_in_to_one_account(number: int) -> Sighting:
    address = f"198.51.{number // 250}.{number % 250}"
    return Sighting(event="sign_in", outcome="unauthenticated", account_id=EVE, address=address)


def sign_in_from_one_network(_number: int) -> Sighting:
    return Sighting(event="sign_in", outcome="unauthenticated", address=ADDRESS)


def guess_held_up(_number: int) -> Sighting:
    return Sighting(
        event="limit.hit", outcome="rate_limited", detail="wrong_password", address=ADDRESS
    )


def sign_in_to_another_account(number: int) -> Sighting:
    return Sighting(
        event="sign_in", outcome="unauthenticated", account_id=somebody(number), address=ADDRESS
    )


def wrong_password(_number: int) -> Sighting:
    return Sighting(event="password.changed", outcome="forbidden", actor_id=EVE)


def spent_token(number: int) -> Sighting:
    return Sighting(
        event="refresh.reused",
        outcome="unauthenticated",
        account_id=EVE,
        device_id=DeviceId(f"device-{number}"),
        address=ADDRESS,
    )


def new_device(number: int) -> Sighting:
    return Sighting(
        event="sign_in", detail=NEW_DEVICE, account_id=EVE, device_id=DeviceId(f"device-{number}")
    )


def opened(number: int) -> Sighting:
    return Sighting(
        event="room.created", detail="direct", actor_id=EVE, account_id=somebody(number)
    )


def blocked(number: int) -> Sighting:
    return Sighting(event="user.blocked", actor_id=somebody(number), account_id=EVE)


def reported(number: int) -> Sighting:
    return Sighting(event="report.filed", actor_id=somebody(number), account_id=EVE)


def report_by_one(number: int) -> Sighting:
    return Sighting(event="report.filed", actor_id=EVE, account_id=somebody(number))


def connected(_number: int) -> Sighting:
    return Sighting(event="connected", actor_id=EVE, device_id=DeviceId("eves"))


def sent(_number: int) -> Sighting:
    return Sighting(event="messages.sent", actor_id=EVE)


def refused(_number: int) -> Sighting:
    return Sighting(event="limit.hit", outcome="rate_limited", actor_id=EVE, detail="message:user")


def refused_from_network(_number: int) -> Sighting:
    return Sighting(event="limit.hit", outcome="rate_limited", address=ADDRESS)


EXAMPLES: Mapping[str, Callable[[int], Sighting]] = {
    "failed_sign_ins_of_account": sign_in_to_one_account,
    "failed_sign_ins_from_network": sign_in_from_one_network,
    "guesses_held_up_from_network": guess_held_up,
    "accounts_tried_from_network": sign_in_to_another_account,
    "wrong_current_password": wrong_password,
    "refresh_token_reused": spent_token,
    "refresh_tokens_reused": spent_token,
    "new_devices": new_device,
    "strangers_written_to": opened,
    "crowds_written_to": opened,
    "unwelcome": blocked,
    "complaints": reported,
    "reports_by_one": report_by_one,
    "reconnects": connected,
    "volume": sent,
    "limits_hit_by_user": refused,
    "limits_hit_from_network": refused_from_network,
}
