# Without Bluetooth: more heap, and a smaller image. Phones then come over the gateway's own access point (docs/provisioning.md).

list(REMOVE_ITEM SDKCONFIG_DEFAULTS boards/sdkconfig.ble)
list(APPEND MICROPY_DEF_BOARD MICROPY_PY_BLUETOOTH=0)
