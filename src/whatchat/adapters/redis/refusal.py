"""What Redis answers instead of doing what it was asked."""

from whatchat.domain.errors import Unavailable


class Refused(Unavailable):
    """An error reply; ``kind`` is its first word, ``reply`` the whole, for the log alone."""

    def __init__(self, reply: str) -> None:
        super().__init__()
        # Of a command that it does not know a server repeats the arguments: HELLO's are secret.
        self.reply = reply.partition(", with args")[0]
        self.args = (self.reply,)
        self.kind = reply.partition(" ")[0]
