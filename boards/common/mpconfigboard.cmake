# What the ESP32 boards have in common; a board's own mpconfigboard.cmake includes this first.
# Relative names are relative to ports/esp32 of MicroPython; of a setting that occurs twice the later one wins.

set(IDF_TARGET esp32)
set(MICROPY_PY_BTREE OFF)
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)

# The partition table lies beside the boards, or in the board's folder; the IDF wants to be told where that is.
get_filename_component(OPENSG_BOARDS ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)
set(OPENSG_TABLE ${OPENSG_BOARDS}/partitions.csv)
if(EXISTS ${MICROPY_BOARD_DIR}/partitions.csv)
    set(OPENSG_TABLE ${MICROPY_BOARD_DIR}/partitions.csv)
endif()
set(OPENSG_PARTITIONS ${CMAKE_BINARY_DIR}/sdkconfig.partitions)
file(WRITE ${OPENSG_PARTITIONS}
    "CONFIG_PARTITION_TABLE_CUSTOM=y\n"
    "CONFIG_PARTITION_TABLE_CUSTOM_FILENAME=\"${OPENSG_TABLE}\"\n"
)

set(SDKCONFIG_DEFAULTS
    boards/sdkconfig.base
    boards/sdkconfig.ble
    boards/sdkconfig.240mhz
    ${OPENSG_BOARDS}/common/sdkconfig.common
    ${OPENSG_PARTITIONS}
    ${MICROPY_BOARD_DIR}/sdkconfig.board
)
