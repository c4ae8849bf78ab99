"""Which connections are held, and which one goes for a new one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.app.connection_limits import Limits, Place, Places, peer_of

SMALL = Limits(connections=6, per_peer=3)


class Held:
    """Places with what was closed, by number."""

    def __init__(self, limits: Limits = SMALL) -> None:
        self.places = Places(limits)
        self.closed: list[int] = []

    def connect(self, peer: str, number: int) -> Place | None:
        return self.places.admit(peer, lambda: self.closed.append(number))


def test_a_peer_over_its_limit_loses_its_own_oldest() -> None:
    held = Held()
    other = held.connect("b", 0)
    for number in range(1, 6):
        assert held.connect("a", number) is not None
    assert held.closed == [1, 2]
    assert held.places.of("a") == 3
    assert other is not None
    assert held.places.of("b") == 1


def test_over_the_limit_of_all_the_largest_holder_loses_one() -> None:
    held = Held()
    for number, peer in enumerate(["a", "b", "b", "b", "c", "c"]):
        held.connect(peer, number)
    assert held.connect("d", 6) is not None
    assert held.closed == [1]
    assert len(held.places) == 6


def test_a_request_being_answered_is_not_closed() -> None:
    held = Held()
    mine = [held.connect("a", number) for number in range(3)]
    for place in mine[:2]:
        assert place is not None
        held.places.works(place)
    assert held.connect("a", 3) is not None
    assert held.closed == [2]


def test_when_all_are_being_answered_a_new_one_is_refused() -> None:
    held = Held()
    for number in range(3):
        place = held.connect("a", number)
        assert place is not None
        held.places.works(place)
    assert held.connect("a", 3) is None
    assert held.closed == []
    assert held.connect("b", 4) is not None


def test_what_is_answered_waits_last() -> None:
    held = Held()
    first = held.connect("a", 0)
    held.connect("a", 1)
    held.connect("a", 2)
    assert first is not None
    held.places.works(first)
    held.places.waits(first)
    held.connect("a", 3)
    assert held.closed == [1]


def test_a_closed_connection_gives_its_place_back_once() -> None:
    held = Held()
    place = held.connect("a", 0)
    assert place is not None
    held.places.release(place)
    held.places.release(place)
    held.places.waits(place)
    assert len(held.places) == 0


def test_peers() -> None:
    assert peer_of(("203.0.113.9", 4711)) == "203.0.113.9"
    assert peer_of(("::ffff:203.0.113.9", 1, 0, 0)) == "203.0.113.9"
    assert peer_of(("2001:db8:1:2:3::4", 1, 0, 0)) == peer_of(("2001:db8:1:2::9", 2, 0, 0))
    assert peer_of(("2001:db8:1:3::4", 1, 0, 0)) != peer_of(("2001:db8:1:2::9", 2, 0, 0))
    assert peer_of(("fe80::1%eth0", 1, 0, 2)) == "fe80::/64"
    assert peer_of("") == peer_of(b"") == peer_of(None) == ""


@given(st.integers(1, 100_000))
def test_most_descriptors_are_left_for_the_rest(descriptors: int) -> None:
    limits = Limits().within(descriptors)
    assert limits.connections <= max(8, descriptors // 4)
    assert 4 <= limits.per_peer < limits.connections <= 256


class Any(RuleBasedStateMachine):
    """Whatever happens, the limits hold, and nothing being answered is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.places = Places(SMALL)
        self.open: dict[int, Place] = {}
        self.working: set[int] = set()
        self.next = 0

    @rule(peer=st.sampled_from("abcd"))
    def connect(self, peer: str) -> None:
        number = self.next = self.next + 1

        def close() -> None:
            assert number not in self.working
            del self.open[number]

        place = self.places.admit(peer, close)
        if place is not None:
            self.open[number] = place
        else:
            assert self.working

    @rule(data=st.data(), step=st.sampled_from(["works", "waits", "release"]))
    def step(self, data: st.DataObject, step: str) -> None:
        if not self.open:
            return
        number = data.draw(st.sampled_from(sorted(self.open)))
        getattr(self.places, step)(self.open[number])
        self.working.discard(number)
        if step == "works":
            self.working.add(number)
        if step == "release":
            del self.open[number]

    @invariant()
    def limits_hold(self) -> None:
        assert len(self.places) == len(self.open) <= SMALL.connections
        assert all(self.places.of(peer) <= SMALL.per_peer for peer in "abcd")


TestAny = Any.TestCase
TestAny.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
