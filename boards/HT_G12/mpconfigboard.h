#define MICROPY_HW_BOARD_NAME "OpenSG HT-G12"
#define MICROPY_PY_NETWORK_LAN (0)

#include "../common/mpconfigboard.h"
