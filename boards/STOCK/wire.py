"""What hangs on a stock board that reads meters: change it to what is there, then `make deploy` again."""

# UART, TX, RX, driver enable, lines that are inverted. No driver enable: a stock build's ticks of 10 ms would hold the line too
# long, so the transceiver has to find the direction by itself.
UART = (2, 17, 16, None, "")
LINE = (19200, "N", 2)  # baud, parity "N", "E" or "O", stop bits
METERS = (33,)  # Modbus addresses
INTERVAL_MS = 2000
