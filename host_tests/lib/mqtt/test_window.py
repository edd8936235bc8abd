"""lib/mqtt/window: numbers of packets that wait for an answer."""

from lib.mqtt.window import SIZE, Window

_MESSAGE = 4
_SUBSCRIPTION = 9


def test_numbers_go_round_and_pass_over_those_in_use():
    window = Window()
    stuck, first = window.enter(_MESSAGE, "stuck", 0)
    assert first == 1
    for expected in list(range(2, 65536)) + [2, 3]:
        place, packet_id = window.enter(_MESSAGE, None, 0)
        assert packet_id == expected
        window.leave(place)
    assert window.leave(stuck) == "stuck" and window.open == 0


def test_an_answer_is_for_its_kind_and_its_number():
    window = Window()
    entered = [window.enter(_MESSAGE if n % 2 else _SUBSCRIPTION, n, 0) for n in range(SIZE)]
    assert window.open == SIZE and sorted([place for place, _ in entered]) == list(range(SIZE))
    assert window.find(0, _MESSAGE) == window.find(SIZE + 1, _MESSAGE) == -1
    for n in range(SIZE):
        place, packet_id = entered[n]
        right, wrong = (_MESSAGE, _SUBSCRIPTION) if n % 2 else (_SUBSCRIPTION, _MESSAGE)
        assert window.find(packet_id, wrong) == -1
        assert window.find(packet_id, right) == place and window.kind(place) == right
        assert window.leave(place) == n
        assert window.find(packet_id, right) == -1
    assert window.open == 0


def test_the_oldest():
    window = Window()
    assert window.oldest_ms(1000) == 0
    first, _ = window.enter(_MESSAGE, None, 1000)
    window.enter(_MESSAGE, None, 1500)
    assert window.oldest_ms(2000) == 1000
    window.restart(first, 1700)
    assert window.oldest_ms(2000) == 500
    window.leave(1 - first)
    assert window.oldest_ms(2000) == 300 and window.leave(first) is None
    assert window.oldest_ms(2000) == 0
