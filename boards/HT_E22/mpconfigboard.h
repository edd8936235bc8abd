#define MICROPY_HW_BOARD_NAME "OpenSG HT-E22"
#define MICROPY_PY_NETWORK_LAN (1)

#include "../common/mpconfigboard.h"
