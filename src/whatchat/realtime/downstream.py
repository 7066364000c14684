"""From the broker to a pod's sockets, and what sees to it that nothing is missed."""

from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.room_log import RoomLog
from whatchat.domain.ports.room_store import RoomStore
from whatchat.observability.flight_recorder import FlightRecorder
from whatchat.realtime.channels import Channels
from whatchat.realtime.deadlines import Deadlines
from whatchat.realtime.deliveries import Deliveries
from whatchat.realtime.delivery import Delivery
from whatchat.realtime.delivery_spans import DeliverySpans
from whatchat.realtime.hub import Hub
from whatchat.realtime.membership_watch import MembershipWatch
from whatchat.realtime.repair import Repair
from whatchat.realtime.tasks import Tasks


class Downstream:
    """The hub, what it listens for, and the three ways by which changes get to it.

    ``delivery`` takes what the broker brings, ``repair`` finds what it did not bring, and the
    watch what the store has of memberships. All tasks are those of ``tasks``.
    """

    def __init__(
        self,
        broker: Broker,
        rooms: RoomStore,
        room_log: RoomLog,
        deadlines: Deadlines,
        tasks: Tasks,
        deliveries: Deliveries,
        flights: FlightRecorder,
        spans: DeliverySpans,
    ) -> None:
        self._broker = broker
        self._tasks = tasks
        self.users: Channels[UserId] = Channels(
            broker.subscribe_users, broker.unsubscribe_users, tasks
        )
        self.rooms: Channels[RoomId] = Channels(
            broker.subscribe_rooms, broker.unsubscribe_rooms, tasks
        )
        self.hub = hub = Hub(self.users, self.rooms)
        self.delivery = Delivery(
            hub, self.rooms, rooms, room_log, deadlines, tasks, deliveries, flights, spans
        )
        self.repair = Repair(hub, rooms, self.delivery, tasks)
        self._watch = MembershipWatch(hub, rooms, room_log, self.delivery, self.repair)

    def start(self) -> None:
        """Begin to hear the broker, and to compare."""
        self._broker.listen(self.delivery.accept)
        self._broker.when_resumed(self.repair.broker_resumed)
        self._tasks.spawn(self.repair.run(), name="repair")
        self._tasks.spawn(self._watch.run(), name="membership-watch")
