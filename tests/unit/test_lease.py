"""No two services may publish one camera, whatever is delayed, lost, paused, restarted or set. Fence `time`.

The real code of nodes over tables in memory; hypothesis delivers messages in any order, and moves clocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from restream.domain.fleet.fencing import ALONE_AFTER_S, Fence, PathSeen, Witnessed, may_start, must_end
from restream.domain.fleet.lease import OwnLease
from restream.domain.fleet.lookout import Lookout
from restream.domain.fleet.node import Holding, NodeName, NodeTraits
from restream.domain.fleet.placement import Placement, Wish
from restream.domain.fleet.share import Decision, Pace, Share, View
from tests.support.leases import LeaseRows

TTL_S, STOP_S = 9.0, 1.0
PACE = Pace(moves_per_minute=30, drained_per_heartbeat=50, taken_per_heartbeat=2000, left_after_s=10.0)
PLACEMENT = Placement()


@dataclass
class Life:
    """One life of a service, as far as leases go."""

    name: NodeName
    instance: str
    lease: OwnLease = field(default_factory=lambda: OwnLease(TTL_S))
    lookout: Lookout = field(default_factory=Lookout)
    share: Share = field(default_factory=lambda: Share(Fence.TIME, PACE, PLACEMENT))
    has: dict[str, Holding] = field(default_factory=dict)
    inherited: set[tuple[str, int]] | None = None
    asked: int = 0
    """The request whose answer is waited for; answers to earlier ones are thrown away."""
    wants: Decision | None = None

    def publishes(self, now: float) -> set[str]:
        return {key for key, each in self.has.items() if self.may_have(each, now)}

    def may_have(self, holding: Holding, now: float) -> bool:
        inherited = (holding.camera_id, holding.epoch) in (self.inherited or ())
        return may_start(self.lease, Fence.TIME, now, inherited=inherited, seen=PathSeen(Witnessed.UNSEEN))

    def looked(self, view: View | None, wishes: dict[str, Wish], sent_at: float, now: float) -> None:
        if view is None:
            self.lease, self.has = self.lease.lost(), {}
            return
        self.lease = self.lease.renewed(sent_at, now)
        mine = {key: view.holdings[key] for key in view.mine}
        if self.inherited is None:
            self.inherited = {(key, each.epoch) for key, each in mine.items()}
        self.lookout = self.lookout.looked(view.nodes, now)
        decision = self.share.decide(
            view,
            wishes,
            lost=self.lookout.lost(view.nodes, sent_at),
            witness=lambda _: PathSeen(Witnessed.UNSEEN),
            moves=1,
            now=now,
        )
        # A former life may still be there: what it had is not let go of before it is surely gone.
        ended = {each for each in decision.give_back + decision.forget if self.may_have(each, now)}
        self.wants = replace(
            decision,
            give_back=tuple(each for each in decision.give_back if each in ended),
            forget=tuple(each for each in decision.forget if each in ended),
        )
        leaving = {each.camera_id for each in decision.give_back + decision.forget}
        self.has = {key: each for key, each in mine.items() if key not in leaving}


@dataclass
class Message:
    life: Life
    number: int
    asks: Callable[[], Callable[[float], None]]
    answer: Callable[[float], None] | None = None


class Fleet(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now, self.offset_s, self.numbers = 0.0, 0.0, 0
        self.rows = LeaseRows(lambda: self.now + self.offset_s)
        self.wishes = {key: Wish(key) for key in "xy"}
        self.lives = [Life(NodeName("a"), "1"), Life(NodeName("b"), "1")]
        self.messages: list[Message] = []

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 8.0, 9.1, 12.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(seconds=st.sampled_from([-3600.0, -9.0, -1.0, 1.0, 9.0, 3600.0]))
    def the_database_is_set(self, seconds: float) -> None:
        self.offset_s += seconds

    @rule(data=st.data())
    def a_node_sends_a_heartbeat(self, data: st.DataObject) -> None:
        self._send_beat(data.draw(st.sampled_from(self.lives)))

    @precondition(lambda self: any(each.wants for each in self.lives))
    @rule(data=st.data())
    def a_node_settles(self, data: st.DataObject) -> None:
        self._send_settle(data.draw(st.sampled_from([each for each in self.lives if each.wants])))

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), lost=st.integers(0, 5).map(lambda n: n == 0))
    def a_message_arrives(self, data: st.DataObject, lost: bool) -> None:
        message = data.draw(st.sampled_from(self.messages))
        if lost or message.answer is not None:
            self.messages.remove(message)
        if not lost:
            self._arrive(message)

    @rule(data=st.data())
    def a_heartbeat_goes_well(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from(self.lives))
        for send in (self._send_beat, self._send_settle):
            message = send(life)
            if message is not None:
                self.messages.remove(message)
                self._arrive(message)
                self._arrive(message)

    @rule(data=st.data())
    def a_service_is_started_beside_its_former_life(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(["a", "b"]))
        if len(self.lives) < 5:
            self.lives.append(Life(NodeName(name), f"{len(self.lives)}"))

    @rule(name=st.sampled_from(["a", "b"]), draining=st.booleans())
    def a_node_is_drained(self, name: str, draining: bool) -> None:
        self.rows.drain(NodeName(name), draining=draining)

    @rule(key=st.sampled_from("xy"), pin=st.sampled_from([None, "a", "b", "off"]))
    def a_row_changes(self, key: str, pin: str | None) -> None:
        self.wishes = {k: w for k, w in self.wishes.items() if k != key}
        if pin != "off":
            self.wishes[key] = Wish(key, pin=pin)

    @invariant()
    def nobody_publishes_what_another_publishes(self) -> None:
        published = [key for life in self.lives for key in life.publishes(self.now)]
        assert len(published) == len(set(published))

    def _send(self, life: Life, asks: Callable[[], Callable[[float], None]]) -> Message:
        self.numbers += 1
        life.asked = self.numbers
        self.messages.append(Message(life, self.numbers, asks))
        return self.messages[-1]

    def _send_beat(self, life: Life) -> Message:
        sent_at = self.now

        def asks() -> Callable[[float], None]:
            view = self.rows.beat(life.name, life.instance, NodeTraits(), TTL_S)
            return lambda now: life.looked(view, self.wishes, sent_at, now)

        life.wants = None
        return self._send(life, asks)

    def _send_settle(self, life: Life) -> Message | None:
        decision, life.wants = life.wants, None
        if decision is None:
            return None

        def asks() -> Callable[[float], None]:
            taken = self.rows.settle(life.name, life.instance, decision)
            epochs = {key: self.rows.assignments[key].epoch for key in taken}

            def answer(_: float) -> None:
                life.share.settled(decision, taken)
                life.has |= {key: Holding(key, life.name, epochs[key]) for key in taken}

            return answer

        return self._send(life, asks)

    def _arrive(self, message: Message) -> None:
        """At the database, or back."""
        if message.answer is None:
            message.answer = message.asks()
        elif message.number == message.life.asked:
            message.answer(self.now)


Fleet.TestCase.settings = settings(stateful_step_count=40)
TestFleet = Fleet.TestCase


class Told:
    """A story of two nodes, told step by step; `a` has both cameras at its beginning."""

    def __init__(self) -> None:
        self.fleet = Fleet()
        self.a, self.b = self.fleet.lives
        self.pin("a")
        self.beats(self.a)
        self.beats(self.b)
        assert self.a.publishes(self.fleet.now) == {"x", "y"}

    def pin(self, name: str) -> None:
        self.fleet.wishes = {key: Wish(key, pin=name) for key in "xy"}

    def arrives(self, *messages: Message | None) -> None:
        """At the database and back; then nobody publishes what another does."""
        for message in messages:
            if message is not None:
                self.fleet._arrive(message)
                self.fleet._arrive(message)
        self.fleet.nobody_publishes_what_another_publishes()

    def beats(self, life: Life) -> None:
        self.arrives(self.fleet._send_beat(life))
        self.arrives(self.fleet._send_settle(life))

    def owners(self) -> set[NodeName]:
        return {each.node for each in self.fleet.rows.assignments.values()}


def test_a_lost_nodes_cameras_are_taken_once_its_lease_stood_still() -> None:
    told = Told()
    told.fleet.wishes = {key: Wish(key) for key in "xy"}
    for _ in range(5):
        told.fleet.now += 3.0
        told.beats(told.b)
    assert told.owners() == {"b"} and told.b.publishes(told.fleet.now) == {"x", "y"}


@pytest.mark.parametrize("seconds", [9.0, 3600.0])
def test_a_database_that_is_set_forward_ends_no_lease(seconds: float) -> None:
    told = Told()
    told.pin("b")
    told.fleet.offset_s += seconds
    told.fleet.now += 0.1
    told.beats(told.b)
    assert told.owners() == {"a"}


def test_a_database_that_is_set_back_keeps_no_dead_node_alive() -> None:
    told = Told()
    told.fleet.wishes = {key: Wish(key) for key in "xy"}
    told.fleet.offset_s -= 3600.0
    for _ in range(8):
        told.fleet.now += 3.0
        told.beats(told.b)
    assert told.owners() == {"b"}


def test_a_renewal_that_comes_between_look_and_take_wins() -> None:
    told = Told()
    told.pin("b")
    for _ in range(2):
        told.fleet.now += 4.75
        told.arrives(told.fleet._send_beat(told.b))
    assert told.b.wants is not None and told.b.wants.take
    told.arrives(told.fleet._send_beat(told.a))
    told.a.wants = None
    told.arrives(told.fleet._send_settle(told.b))
    assert told.owners() == {"a"}


def test_a_give_back_that_arrives_late_is_awaited_before_the_camera_starts_again() -> None:
    told = Told()
    told.pin("b")
    told.arrives(told.fleet._send_beat(told.a))
    late = told.fleet._send_settle(told.a)
    told.pin("a")
    told.arrives(told.fleet._send_beat(told.a))
    told.a.wants = None
    told.arrives(late)
    told.pin("b")
    told.beats(told.b)
    assert told.b.publishes(told.fleet.now)


def test_a_give_back_that_arrives_after_the_camera_was_taken_again_is_nothing() -> None:
    told = Told()
    told.pin("b")
    told.arrives(told.fleet._send_beat(told.a))
    late = told.fleet._send_settle(told.a)
    told.pin("a")
    told.beats(told.a)
    told.beats(told.a)
    assert told.a.publishes(told.fleet.now)
    told.arrives(late)
    told.pin("b")
    told.beats(told.b)
    assert "b" not in told.owners()


def test_a_forget_that_arrives_late_is_nothing_to_a_later_owner() -> None:
    told = Told()
    told.fleet.wishes = {}
    told.arrives(told.fleet._send_beat(told.a))
    late = told.fleet._send_settle(told.a)
    told.beats(told.a)
    told.pin("a")
    told.beats(told.a)
    assert told.a.publishes(told.fleet.now) == {"x", "y"}
    told.arrives(late)
    told.pin("b")
    told.beats(told.b)
    assert told.owners() == {"a"}


def test_a_life_waits_for_a_former_one_that_may_be_there() -> None:
    told = Told()
    told.fleet.lives.append(Life(NodeName("a"), "2"))
    again = told.fleet.lives[-1]
    told.beats(again)
    assert not again.publishes(told.fleet.now)
    told.fleet.now += TTL_S
    told.beats(again)
    assert again.publishes(told.fleet.now) == {"x", "y"}


@pytest.mark.parametrize(
    ("valid", "inherited", "witnessed", "silent_s", "server", "time"),
    [
        (True, False, Witnessed.UNSEEN, 0.0, True, True),
        (True, True, Witnessed.SILENT, 0.0, True, False),
        (True, True, Witnessed.SERVED, 0.0, False, False),
        (True, True, Witnessed.UNSEEN, 0.0, False, False),
        (False, False, Witnessed.SILENT, ALONE_AFTER_S, True, False),
        (False, False, Witnessed.SILENT, ALONE_AFTER_S - 1, False, False),
        (False, False, Witnessed.SERVED, ALONE_AFTER_S, False, False),
        (False, True, Witnessed.UNSEEN, ALONE_AFTER_S, False, False),
    ],
)
def test_who_may_start(
    valid: bool, inherited: bool, witnessed: Witnessed, silent_s: float, server: bool, time: bool
) -> None:
    lease, now = OwnLease(TTL_S).renewed(100.0, 101.0), 105.0 if valid else 109.0
    for fence, allowed in ((Fence.SERVER, server), (Fence.TIME, time)):
        may = may_start(lease, fence, now, inherited=inherited, seen=PathSeen(witnessed, silent_s))
        assert may == allowed, fence


def test_the_former_life_is_over_after_its_ttl() -> None:
    lease = OwnLease(TTL_S).renewed(100.0, 101.0).renewed(108.0, 108.1)
    for now, over in ((109.9, False), (110.1, True)):
        assert may_start(lease, Fence.TIME, now, inherited=True, seen=PathSeen(Witnessed.UNSEEN)) == over


@pytest.mark.parametrize(("now", "ends"), [(107.9, False), (108.0, True), (109.0, True)])
def test_publishers_end_before_the_lease(now: float, ends: bool) -> None:
    lease = OwnLease(TTL_S).renewed(100.0, 100.1)
    assert must_end(lease, Fence.TIME, now, stop_s=STOP_S) == ends
    assert not must_end(lease, Fence.SERVER, now, stop_s=STOP_S)


def test_a_late_answer_does_not_shorten_a_lease() -> None:
    assert OwnLease(TTL_S).renewed(103.0, 103.1).renewed(100.0, 104.0).valid_until == 112.0


def test_a_name_that_another_has_is_no_lease() -> None:
    assert not OwnLease(TTL_S).renewed(100.0, 100.1).lost().valid(100.2)
    assert not OwnLease(TTL_S).valid(0.0)
