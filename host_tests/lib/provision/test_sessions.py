"""Sessions of all securities: recorded ones to the byte, the state machine, and what is refused without an answer."""

import json

from host_tests.lib.provision.exchange import KeptServer, Recorded, Wifi, ask, extended, load, run, sessions
from lib.provision import security2
from lib.provision.errors import Refused
from lib.provision.protobuf import member
from lib.provision.provisioner import Provisioner

STATUS = b"\x08\x02\x62\x00"  # of a scan, in plain
GOOD_STATUS = b"\x08\x03\x6a\x02\x08\x01"
ENCRYPTED = ("prov-scan", "prov-config", "prov-ctrl")


def recorded():
    return [Recorded(row) for row in load("sessions")]


def plain(wifi=None):
    return Provisioner(0, None, wifi or Wifi(), None, insecure=True)


def refusal(generator):
    try:
        run(generator)
    except Refused as refused:
        return refused.args[0]
    return ""


def test_recorded_sessions():
    for session in recorded():
        for _ in range(3):  # each begins with a command 0, which starts anew
            session.play()
            assert session.device.established
        session.device.disconnected()
        assert not session.device.established
        session.play()
        assert session.device.failures == session.told == 0


def test_what_the_wifi_was_told():
    session = Recorded(sessions()["sec1-B"])
    session.play()
    assert session.wifi.calls == [
        ("scan", False),
        ("set", b"lab", b"wrongpass", b"", 0),
        ("apply",),
        ("reset",),
        ("set", b"lab", b"", b"", 0),
    ]


def test_long_steps_are_sliced():
    for session in recorded():
        _, turns = run(session.device.handle(*session.steps[0][:2]))
        assert turns > 1, session.row["name"]


def test_version():
    salt = bytes.fromhex(sessions()["sec2-A"]["salt"])
    for device, expected in (
        (plain(), [0, 0, ["no_sec", "wifi_scan"]]),
        (Provisioner(1, b"abcd1234", None, None), [1, 0, ["wifi_scan"]]),
        (Provisioner(1, b"", None, None), [1, 0, ["no_pop", "wifi_scan"]]),
        (Provisioner(2, (salt, b"\x01"), None, None), [2, 1, ["wifi_scan"]]),
    ):
        for request in (b"ESP", b"none", b"---", b"\0", bytes(512)):
            answer = ask(device, "proto-ver", request)
            assert b" " not in answer and b"\n" not in answer
            told = json.loads(answer)
            assert list(told) == ["prov"] and len(told["prov"]) == 4
            told = told["prov"]
            assert told["ver"] == "v1.1"
            assert [told["sec_ver"], told["sec_patch_ver"], told["cap"]] == expected
        assert ask(device, "proto-ver", b"") is None


def test_version_at_any_time():
    for session in recorded():
        version = ask(session.device, "proto-ver", b"ESP")
        session.device.disconnected()
        for endpoint, write, read in session.steps:
            assert ask(session.device, "proto-ver", b"ESP") == version
            session.wifi.states = [(1, None)] if "connecting" in read.hex() else session.wifi.states
            if endpoint == "prov-session":  # and it moves no stream
                assert ask(session.device, endpoint, write) == read
        assert session.device.established
        for endpoint, write, read in session.steps[2:4]:
            assert ask(session.device, "proto-ver", b"ESP") == version
            assert ask(session.device, endpoint, write) == read


def test_security_0_needs_leave():
    for security, insecure in ((0, False), (3, True), (-1, True), (None, True)):
        try:
            Provisioner(security, b"", None, None, insecure=insecure)
        except ValueError:
            continue
        raise AssertionError(security)


def test_a_salt_that_clients_read_differently():
    try:
        Provisioner(2, (b"\0" + bytes(15), b"\x01"), None, None)
    except ValueError:
        return
    raise AssertionError


def test_security_0():
    device = plain()
    for _ in range(2):
        assert ask(device, "prov-scan", STATUS) == b"\x08\x03\x6a\x02\x08\x01"  # without any session
        assert ask(device, "prov-session", bytes.fromhex("5203a20100")).hex() == "52050801aa0100"
        assert device.established
    for text in (
        "10015203a20100",
        "10025203a20100",
        "5203a20101",
        "5200",
        "52050802b20100",
        "5a03a20100",
        "6203a20100",
        "08",
        "00",
    ):
        assert ask(device, "prov-session", bytes.fromhex(text)) is None, text
    assert ask(device, "prov-scan", STATUS) == GOOD_STATUS
    device.disconnected()
    assert ask(device, "prov-scan", STATUS) == GOOD_STATUS


def test_nothing_without_a_session():
    for session in recorded():
        for played in (0, 1):
            session.play(played)
            for endpoint in ENCRYPTED:
                for request in (STATUS, b"\x08\x04", bytes(20)):
                    assert ask(session.device, endpoint, request) is None
        session.play()
        session.device.disconnected()
        for endpoint in ENCRYPTED:
            assert ask(session.device, endpoint, STATUS) is None
        assert len(session.wifi.calls) in (3, 5)  # of the one session that was played
        session.play()


def test_a_wrong_proof_ends_the_session():
    for session in recorded():
        proof = session.steps[1][1]
        for round in range(3):
            session.play(1)
            assert ask(session.device, "prov-session", session.wrong_proof) is None
            assert session.device.failures == session.told == round + 1
            assert not session.device.established
            # The right one is of no use any more, and counts for nothing.
            assert ask(session.device, "prov-session", proof) is None
            assert ask(session.device, "prov-session", session.wrong_proof) is None
            assert ask(session.device, "prov-scan", STATUS) is None
            assert session.device.failures == session.told == round + 1
        session.play()  # on the same connection
        assert session.device.failures == 3


def test_nobody_needs_to_be_told():
    session = Recorded(sessions()["sec1-A"])
    device = Provisioner(1, b"abcd1234", session.wifi, session.random)
    assert ask(device, "prov-session", session.steps[0][1])
    assert ask(device, "prov-session", session.wrong_proof) is None
    assert device.failures == 1


def test_proofs_of_a_wrong_length():
    for session in recorded():
        security = session.row["security"]
        field, size = (2, 32) if security == 1 else (1, 64)
        for length in (0, 1, size - 1, size + 1, 2 * size, 400):
            session.play(1)
            proof = member(1, 2) + member(22, member(field, bytes(length)))
            assert ask(session.device, "prov-session", member(2, security) + member(10 + security, proof)) is None
            assert not session.device.established
        session.play()


def test_a_command_1_of_no_meaning_ends_what_was_begun():
    for session in recorded():
        security = session.row["security"]
        for payload in (member(1, 2), member(1, 2) + member(20, b""), member(1, 2) + member(22, b"\xff")):
            session.play(1)
            assert ask(session.device, "prov-session", member(2, security) + member(10 + security, payload)) is None
            assert ask(session.device, "prov-session", session.steps[1][1]) is None
            assert session.device.failures == 0  # nobody guessed
        session.play()


def test_command_1_out_of_turn():
    for session in recorded():
        proof = session.steps[1][1]
        assert ask(session.device, "prov-session", proof) is None
        session.play(2)
        assert ask(session.device, "prov-session", proof) is None  # twice
        assert session.device.established and session.device.failures == 0
        for endpoint, write, read in session.steps[2:4]:  # the session goes on where it was
            assert ask(session.device, endpoint, write) == read


def test_command_0_starts_anew_from_anywhere():
    for session in recorded():
        for played in range(len(session.steps)):
            session.play(played)
            session.play(1)
            assert not session.device.established
            assert ask(session.device, "prov-scan", session.steps[2][1]) is None  # the old keys are gone
            session.play()
        # One that fails has forgotten the old session, too.
        security = session.row["security"]
        broken = member(2, security) + member(10 + security, member(20, member(1, b"\x01") + member(2, b"\x02")))
        assert ask(session.device, "prov-session", broken) is None
        assert not session.device.established
        session.play()


def test_keys_of_no_use():
    device = Recorded(sessions()["sec1-A"]).device
    for key in (b"", bytes(31), bytes(33), bytes(32), b"\x01" + bytes(31), bytes(400)):
        request = member(2, 1) + member(11, member(20, member(1, key)))
        assert ask(device, "prov-session", request) is None, key
    session = Recorded(sessions()["sec2-A"])
    user, key = member(1, b"wifiprov"), session.steps[0][1][-384:]
    for content in (
        user,
        member(2, key),
        user + member(2, bytes(384)),
        user + member(2, key[1:]),
        user + member(2, key + b"\0"),
    ):
        request = member(2, 2) + member(12, member(20, content))
        assert ask(session.device, "prov-session", request) is None
    session.play()


def test_requests_of_another_security():
    shapes = [session.steps[0][1] for session in recorded()] + [bytes.fromhex("5203a20100")]
    for session in recorded():
        for request in shapes:
            if request[:2] != session.steps[0][1][:2]:
                session.play(3)
                assert ask(session.device, "prov-session", request) is None
                assert session.device.established  # nothing that belongs to this security came
        # The right number on the wrong payload, and the other way round
        for changed in (b"\x10\x01\x62" + shapes[2][3:], b"\x10\x02\x5a" + shapes[0][3:], shapes[0][2:], shapes[2][2:]):
            session.play(3)
            assert ask(session.device, "prov-session", changed) is None
            assert session.device.established
        session.play()


def test_answers_are_no_requests():
    for session in recorded():
        session.play(2)
        for _, _, read in session.steps[:2]:
            assert ask(session.device, "prov-session", read) is None
        assert session.device.established


def test_empty_and_oversized_requests_change_nothing():
    for session in recorded():
        session.play(2)
        for endpoint in ENCRYPTED + ("prov-session", "proto-ver"):
            for request in (b"", bytes(513), bytes(5000)):
                assert ask(session.device, endpoint, request) is None
        for endpoint, write, read in session.steps[2:4]:
            assert ask(session.device, endpoint, write) == read


def test_unknown_endpoints():
    for session in recorded():
        session.play(2)
        for endpoint in ("", "prov", "custom-data", "PROV-SCAN", "prov-scan\0", None):
            assert refusal(session.device.handle(endpoint, session.steps[2][1])) == "endpoint"
        for endpoint, write, read in session.steps[2:4]:
            assert ask(session.device, endpoint, write) == read


def test_a_refused_request_moves_the_stream_as_the_client_does():
    for security in (1, 2):
        session = [each for each in recorded() if each.row["security"] == security][0]
        session.play(2)
        twin = Recorded(session.row)  # its stream is the client's
        twin.play(2)
        client = twin.device._session
        for broken in (b"\x08\x07", b"\x08", b"\x52\x7f", b"\x0f" * 40):
            assert ask(session.device, "prov-config", client.encrypt(broken)) is None
            answer = ask(session.device, "prov-scan", client.encrypt(STATUS))
            assert client.decrypt(answer) == GOOD_STATUS
        assert session.device.established


def test_a_tag_that_does_not_fit():
    session = Recorded(sessions()["sec2-A"])
    session.play(2)
    endpoint, write, read = session.steps[2]
    for wrong in (write[:-1], write[1:], write[:15], write[:16], bytes(16), write[:-1] + bytes([write[-1] ^ 1])):
        assert ask(session.device, endpoint, wrong) is None
        assert session.device.established
    assert ask(session.device, endpoint, write) == read  # our counter stayed where it was
    assert ask(session.device, endpoint, write) is None  # a repeated request is none
    for endpoint, write, read in session.steps[3:4]:
        assert ask(session.device, endpoint, write) == read


def test_the_counter_comes_to_its_end():
    session = Recorded(sessions()["sec2-A"])
    session.play(2)
    twin = Recorded(session.row)
    twin.play(2)
    client = twin.device._session
    session.device._session._counter = client._counter = 0xFFFFFFFE
    answer = ask(session.device, "prov-scan", client.encrypt(STATUS))
    assert client.decrypt(answer) == GOOD_STATUS
    for _ in range(2):
        assert ask(session.device, "prov-scan", bytes(20)) is None
    session.play()


def test_a_key_that_android_would_shorten():
    session = Recorded(sessions()["sec2-A"])

    class Server(KeptServer):
        ambiguous = 0  # how often
        begins = 0

        def begin(self, *request):
            Server.begins += 1
            return (yield from KeptServer.begin(self, *request))

        def is_ambiguous(self):
            return Server.begins <= Server.ambiguous

    security2.Server = Server
    try:
        for Server.ambiguous, begins in ((0, 1), (1, 2), (9, 2)):  # once more is enough, for each takes seconds
            Server.begins = 0
            session.play()
            assert Server.begins == begins
    finally:
        security2.Server = KeptServer


def test_a_client_that_goes_while_it_is_being_answered():
    for session in recorded():
        for turns in (1, 2):
            left = session.device.handle(*session.steps[0][:2])
            for _ in range(turns):
                next(left)
            session.device.disconnected()
            session.play(1)
            try:
                run(left)  # should have been closed, but does no harm
            except Refused:
                pass
            assert ask(session.device, "prov-session", session.steps[1][1]) == session.steps[1][2]
            session.play()
            left = session.device.handle(*session.steps[0][:2])
            next(left)
            left.close()
            session.play()


def test_nothing_before_a_begun_session_is_ready():
    for session in recorded():
        begun = session.device.handle(*session.steps[0][:2])
        next(begun)
        assert ask(session.device, "prov-session", session.steps[1][1]) is None
        assert ask(session.device, "prov-scan", STATUS) is None
        assert session.device.failures == 0
        session.play()


def test_more_behind_a_message():
    for session in recorded():
        for played in range(2):
            for request in extended(session.steps[played][1]):
                session.play(played)
                answer = ask(session.device, "prov-session", request)
                assert answer in (None, session.steps[played][2]), request.hex()
                session.play()
