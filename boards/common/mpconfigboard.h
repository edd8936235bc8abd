// What the ESP32 boards have in common; a board's own mpconfigboard.h sets its name and includes this.

#define MICROPY_HW_MCU_NAME "ESP32"

// UART0 is the RS-485 port of this hardware: no REPL on it.
#ifndef MICROPY_HW_ENABLE_UART_REPL
#define MICROPY_HW_ENABLE_UART_REPL (0)
#endif

// Python's heap begins with what the gateway has in use (docs/benchmarks.md), and grows only while that leaves the system enough
// for a TLS session: 16 KB and 4 KB of buffers, and what a handshake takes for a moment. When it does not, Python gets a
// MemoryError, which the gateway survives; radio and TLS would not survive the opposite. MicroPython lets a board replace the
// allocator of its heap, not the decision to grow.
#include "esp_heap_caps.h"
#define MICROPY_GC_INITIAL_HEAP_SIZE (72 * 1024)
#define OPENSG_LEFT_TO_THE_SYSTEM (32 * 1024)
#define MP_PLAT_ALLOC_HEAP(size) \
    (heap_caps_get_free_size(MALLOC_CAP_DEFAULT) >= (size) + OPENSG_LEFT_TO_THE_SYSTEM ? malloc(size) : NULL)

// The RTC's memory holds how many starts have failed: it has to outlive a reset by the watchdog.
#define MICROPY_HW_RTC_MEM_INIT_ALWAYS (0)

// Parts of the port that nobody uses.
#define MICROPY_PY_ESPNOW (0)
#define MICROPY_HW_ENABLE_SDCARD (0)
#define MICROPY_PY_MACHINE_I2S (0)
#define MICROPY_PY_MACHINE_DAC (0)
