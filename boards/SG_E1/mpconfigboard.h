#define MICROPY_HW_BOARD_NAME "OpenSG SG-E1"
#define MICROPY_PY_NETWORK_LAN (1)

#include "../common/mpconfigboard.h"
