// What the ESP32 boards have in common; a board's own mpconfigboard.h sets its name and includes this.

#define MICROPY_HW_MCU_NAME "ESP32"

// UART0 is the RS-485 port of this hardware: no REPL on it.
#define MICROPY_HW_ENABLE_UART_REPL (0)

// The RTC's memory holds how many starts have failed: it has to outlive a reset by the watchdog.
#define MICROPY_HW_RTC_MEM_INIT_ALWAYS (0)

// Parts of the port that nobody uses.
#define MICROPY_PY_ESPNOW (0)
#define MICROPY_HW_ENABLE_SDCARD (0)
#define MICROPY_PY_MACHINE_I2S (0)
#define MICROPY_PY_MACHINE_DAC (0)
