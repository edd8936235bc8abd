"""Builds other versions of the application for the host, good ones and bad ones, and puts them into a flash chip."""

from host_tests.rig import TOP
from tools import image
from tools.rig import boot_loader, flash

VERSION = "firmware/version.py"


def source(path):
    return (TOP / path).read_text()


def replaced(path, *pairs):
    """The source of a module with each (old, new) replaced; the old text has to be there."""
    text = source(path)
    for old, new in pairs:
        assert old in text, (path, old)
        text = text.replace(old, new)
    return text


def built(folder, bits=64, version="0.2", changes=None):
    """Build a version whose modules are those of the source but for `changes` {path: text}; return the path of the image."""
    overlay = {VERSION: replaced(VERSION, ('VERSION = "0.1"\nF', f'VERSION = "{version}"\nF')), **(changes or {})}
    return image.build("HOST", bits, overlay, folder / f"{version}-{bits}-{len(list(folder.iterdir()))}.bin")


def other(slot):
    return "ota_1" if slot == "ota_0" else "ota_0"


def put(chip, made, slot):
    """Write an image into a slot of a flash chip, which may be that of a gateway that runs from the other one."""
    flash.write_image(chip, made, slot)


def chosen(chip, folder, number, state=boot_loader.NEW):
    """Have the boot loader start the slot of a sequence number next time, as ESP-IDF's set_boot does."""
    counter = folder / "counter"
    counter.write_bytes(bytes(4))
    boot_loader.write(flash.Flash(chip, counter), (number - 1) % 2, number, state)
