/* CRC-16/MODBUS with one table of words, for host_tests/bench/crc.py: what the machine can do. */
#include <stddef.h>
#include <stdint.h>

static uint16_t table[256];

static void fill(void)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint16_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xA001 : value >> 1;
        table[byte] = value;
    }
}

/* The CRC, computed `count` times; volatile keeps the compiler from doing it once. */
unsigned crc16(const uint8_t *data, size_t length, unsigned count)
{
    volatile uint16_t result = 0;
    if (!table[1])
        fill();
    while (count--) {
        uint16_t crc = 0xFFFF;
        for (size_t at = 0; at < length; at++)
            crc = crc >> 8 ^ table[(crc ^ data[at]) & 0xFF];
        result = crc;
        __asm__ volatile("" : : "r"(data) : "memory");
    }
    return result;
}
