include(${CMAKE_CURRENT_LIST_DIR}/../common/mpconfigboard.cmake)

# No Bluetooth: its flash and RAM are for meters and load profiles. Phones come over the gateway's own access point.
include(${CMAKE_CURRENT_LIST_DIR}/../common/mpconfigvariant_NO_BLUETOOTH.cmake)
