# The commands of this repository. `make help` lists them.
PYTHON = .tools/venv/bin/python
BOARD ?= HOST
BITS ?= 64
APP ?= $(wildcard build/$(BOARD)/micropython.bin)
KEY ?=
URL ?=
PORT ?=
VARIANT ?=
ERASE ?=

.PHONY: help setup run test test-powercut lint bench image firmware flash deploy release clean

help:
	@echo "make run     the gateway with simulated meters, at an address it prints; Ctrl-C ends it (ARGS=... for the rig)"
	@echo "make test    all tests, on the 64-bit and the 32-bit interpreter; several files at a time, for most of it is waiting"
	@echo "make test-powercut  power cuts at every flash operation of an upgrade, one run for each"
	@echo "make lint    style, types, and a compilation of every module for the device"
	@echo "make bench   the figures of docs/benchmarks.md"
	@echo "make image   the application image; BOARD=$(BOARD), BITS=$(BITS) for HOST"
	@echo "make firmware BOARD=SG_W1             builds for an ESP32 board, with ESP-IDF (docs/boards.md)"
	@echo "make flash BOARD=SG_W1 PORT=/dev/ttyUSB0   writes it to the board; ERASE=1: its file system goes too"
	@echo "make deploy PORT=/dev/ttyUSB0          a meter reader onto a board with a stock MicroPython (docs/boards.md)"
	@echo "make release the signed image and latest.json in build/release (docs/upgrade.md)"
	@echo "make clean   remove what was built (delete .tools/ too to start from nothing)"

setup:
	@tools/setup

run: setup
	@$(PYTHON) -m tools.rig up $(ARGS)

test:
	@tools/setup test
	@$(PYTHON) -m pytest -q -n 4 --dist loadfile -m "not alone" $(ARGS) || [ $$? = 5 ]
	@$(PYTHON) -m pytest -q -n 2 --dist loadfile -m alone $(ARGS) || [ $$? = 5 ]

test-powercut:
	@tools/setup test
	@$(PYTHON) -m pytest -q --all-cuts host_tests/faults/test_upgrade_power_cuts.py host_tests/faults/test_power_cuts.py \
		host_tests/faults/test_profile_power_cuts.py host_tests/faults/test_dlms_power_cuts.py $(ARGS)

lint: setup
	@tools/lint

bench:
	@tools/setup peers
	@$(PYTHON) -m host_tests.bench

image: setup
	@$(PYTHON) -m tools.image $(BOARD) --bits $(BITS)

firmware:
	@tools/setup firmware
	@$(PYTHON) -m tools.make_firmware $(BOARD) $(if $(VARIANT),--variant $(VARIANT))

flash:
	@tools/setup flash
	@$(PYTHON) -m tools.flash $(BOARD) "$(PORT)" $(if $(ERASE),--erase)

deploy: setup
	@$(PYTHON) -m tools.deploy "$(PORT)" $(ARGS)

release: setup
	@$(PYTHON) -m tools.release image $(BOARD) --bits $(BITS) $(if $(APP),--app $(APP)) $(if $(KEY),--key $(KEY))
	@$(PYTHON) -m tools.release latest $(if $(URL),--url $(URL))

clean:
	rm -rf build .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.tools/*' -prune -exec rm -rf {} +
