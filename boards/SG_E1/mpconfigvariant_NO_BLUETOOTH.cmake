include(${CMAKE_CURRENT_LIST_DIR}/../common/mpconfigvariant_NO_BLUETOOTH.cmake)
