"""What tests of upgrades of the whole gateway share: images of other versions, their server, who trusts their key."""

import base64
import contextlib
import json

from host_tests.authority import Authority
from host_tests.file_server import FileServer, file, reply
from host_tests.gateway import api, eventually, gateway
from host_tests.rig import RigFailed
from host_tests.vectors import make_ota
from tools import image as builder
from tools.release import image

NEXT = "0.2"
KEYS = {1: make_ota.public("1").hex()}
_VERSION = 'VERSION = "{}"\nFILES_VERSION = 1\nSECURITY_COUNTER = {}\nMINIMUM_VERSION = "0.1"\n'


def make(folder, bits=64, version=NEXT, counter=1, key=1, signer="1", **overlay):
    """The file of a signed image of this source with another version; `overlay`: see tools/image.py."""
    overlay = {"firmware/version.py": _VERSION.format(version, counter)} | overlay
    payload = builder.build("HOST", bits, overlay, folder / f"payload-{version}-{bits}").read_bytes()
    return image.sign(payload, f"HOST_{bits}", version, counter, "0.1", key, make_ota.private(signer))


def latest(content, url, board="HOST_64"):
    """latest.json for one image."""
    entry = {"version": "for people", "url": url, "header": base64.b64encode(content[:256]).decode()}
    return json.dumps({"format": 1, "images": {board: entry, "SG_W1": entry}}).encode()


class Publisher(FileServer):
    """An HTTPS server of files: `files[path]` is its content. `authority` signed its certificate."""

    def __init__(self, **files):
        self.authority = Authority("Publisher CA")
        self.files = {"/" + name.replace("_", "."): content for name, content in files.items()}
        super().__init__(self.serve, self.authority.issue("publisher", ("127.0.0.1",)))

    def serve(self, request):
        content = self.files.get(request.path)
        return [reply(404, b"") if content is None else file(content, request.start)]


def upgradable(bits=64, **options):
    """A rig around a gateway that takes images signed with the test's key."""
    if bits == 32:  # frozen into the interpreter it has no slots
        options = {"image": builder.build("HOST", bits), "heap": "400k"} | options
    return gateway(bits, release_key=KEYS, **options)


def trust(rig, publisher, name="publisher"):
    """Have the gateway know the server's authority; returns the name."""
    status, answer = api(rig, "/api/certificates", {"name": name, "pem": publisher.authority.identity.pem.decode()})
    assert status == 201, answer
    return name


def state(rig):
    return rig.get_json("/api/upgrade")


def start(rig, url="", certificate=""):
    """Begin an upgrade."""
    status, answer = api(rig, "/api/upgrade", {"url": url, "certificate": certificate} if url else {})
    assert status == 202, answer


def failed(rig):
    """Wait until the upgrade has failed; return its state. There may be no memory for an answer now and then."""

    def look():
        with contextlib.suppress(RigFailed):
            now = state(rig)
            return now["phase"] == "failed" and now
        return None

    return eventually(look, lambda: rig.log()[-2000:])


def running(rig, version):
    """Wait until this version runs and has been judged; return the state."""

    def look():
        try:
            now = state(rig)
        except OSError:
            return None  # between two starts
        return now["running"] == version and not now["on_trial"] and now["last"] and now

    return eventually(look, f"{version} does not run")
