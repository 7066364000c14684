"""The rules, in one table: what looks wrong, from how much of it on, and what is done then.

What people do to others counts by different people, so that nobody alone brings anything
about; and for what others say of somebody nobody is signed out.
"""

from typing import Final

from whatchat.anomalies.rule import Counts, Rule, Share
from whatchat.domain.audit import NEW_DEVICE

MESSAGES_EACH: Final = 100
"""Of so many messages of a user on a pod, and of so many connects of a device, one is seen."""
CONNECTS_EACH: Final = 10

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

OPENED_TO_OTHERS: Final = Counts(
    events=("room.created",), detail="direct", by="actor", different="account"
)
COMPLAINTS: Final = Counts(events=("user.blocked", "report.filed"), by="account", different="actor")

RULES: Final = (
    Rule(
        name="failed_sign_ins_of_account",
        about="sign-ins to one account that were refused",
        counts=Counts(events=("sign_in",), outcome="unauthenticated", by="account"),
        threshold=15,
        seconds=15 * MINUTE,
        action="alert",
    ),
    Rule(
        name="failed_sign_ins_from_network",
        about="sign-ins from one network that were refused",
        counts=Counts(events=("sign_in",), outcome="unauthenticated", by="network"),
        threshold=50,
        seconds=15 * MINUTE,
        action="alert",
    ),
    Rule(
        name="guesses_held_up_from_network",
        about="passwords from one network that were not even tried, as too many had been wrong",
        counts=Counts(events=("limit.hit",), detail="wrong_password", by="network"),
        threshold=100,
        seconds=15 * MINUTE,
        action="alert",
    ),
    Rule(
        name="accounts_tried_from_network",
        about="different accounts, sign-ins to which were refused, from one network",
        counts=Counts(
            events=("sign_in",), outcome="unauthenticated", by="network", different="account"
        ),
        threshold=30,
        seconds=HOUR,
        action="alert",
    ),
    Rule(
        name="wrong_current_password",
        about="attempts of a signed-in user to change the password with a wrong one",
        counts=Counts(events=("password.changed",), outcome="forbidden", by="actor"),
        threshold=10,
        seconds=15 * MINUTE,
        action="alert",
    ),
    Rule(
        name="refresh_token_reused",
        about="uses of a spent refresh token, each of which has ended its sign-in",
        counts=Counts(events=("refresh.reused",), by="account"),
        threshold=1,
        seconds=HOUR,
        action="log",
    ),
    Rule(
        name="refresh_tokens_reused",
        about="sign-ins of one user that ended so",
        counts=Counts(events=("refresh.reused",), by="account"),
        threshold=5,
        seconds=DAY,
        action="sign_out",
    ),
    Rule(
        name="new_devices",
        about="sign-ins of one user on devices that were not known",
        counts=Counts(events=("sign_in",), outcome="ok", detail=NEW_DEVICE, by="account"),
        threshold=20,
        seconds=HOUR,
        action="alert",
    ),
    Rule(
        name="strangers_written_to",
        about="different people with whom one user opened a direct room",
        counts=OPENED_TO_OTHERS,
        threshold=100,
        seconds=HOUR,
        action="alert",
    ),
    Rule(
        name="crowds_written_to",
        about="the same, by the thousand",
        counts=OPENED_TO_OTHERS,
        threshold=1_000,
        seconds=HOUR,
        action="slow_down",
        slow_factor=10,
        slow_seconds=HOUR,
    ),
    Rule(
        name="unwelcome",
        about="different people who blocked or reported one user that had opened a direct room "
        "with them, if they are a quarter of all whom that user did so with",
        counts=COMPLAINTS,
        share=Share(part=0.25, of=OPENED_TO_OTHERS),
        threshold=10,
        seconds=DAY,
        action="slow_down",
        slow_factor=20,
        slow_seconds=HOUR,
    ),
    Rule(
        name="complaints",
        about="different people who blocked or reported one user",
        counts=COMPLAINTS,
        threshold=30,
        seconds=DAY,
        action="alert",
    ),
    Rule(
        name="reports_by_one",
        about="different people whom one user reported",
        counts=Counts(events=("report.filed",), by="actor", different="account"),
        threshold=20,
        seconds=HOUR,
        action="alert",
    ),
    Rule(
        name="reconnects",
        about="connections of one device",
        counts=Counts(events=("connected",), by="device"),
        each=CONNECTS_EACH,
        threshold=300,
        seconds=10 * MINUTE,
        action="alert",
    ),
    Rule(
        name="volume",
        about="messages of one user",
        counts=Counts(events=("messages.sent",), by="actor"),
        each=MESSAGES_EACH,
        threshold=45_000,
        seconds=10 * MINUTE,
        action="slow_down",
    ),
    Rule(
        name="limits_hit_by_user",
        about="commands of one user that were over a limit",
        counts=Counts(events=("limit.hit",), by="actor"),
        threshold=1_000,
        seconds=10 * MINUTE,
        action="alert",
    ),
    Rule(
        name="limits_hit_from_network",
        about="requests from one network that were over a limit",
        counts=Counts(events=("limit.hit",), by="network"),
        threshold=5_000,
        seconds=10 * MINUTE,
        action="alert",
    ),
)
