#define MICROPY_HW_BOARD_NAME "OpenSG ES-951"
#define MICROPY_PY_NETWORK_LAN (1)

#include "../common/mpconfigboard.h"
