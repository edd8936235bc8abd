/**
 * Modbus RTU frames in words. Pure: no page, no texts.
 * Source: Modbus Application Protocol V1.1b3, 6 and 7; Modbus over Serial Line V1.02, 2.5.1.
 */

export const FUNCTIONS = {
  1: "Read Coils",
  2: "Read Discrete Inputs",
  3: "Read Holding Registers",
  4: "Read Input Registers",
  5: "Write Single Coil",
  6: "Write Single Register",
  7: "Read Exception Status",
  8: "Diagnostics",
  15: "Write Multiple Coils",
  16: "Write Multiple Registers",
  17: "Report Server ID",
  22: "Mask Write Register",
  23: "Read/Write Multiple Registers",
};

const EXCEPTIONS = {
  1: "Illegal Function",
  2: "Illegal Data Address",
  3: "Illegal Data Value",
  4: "Server Device Failure",
  5: "Acknowledge",
  6: "Server Device Busy",
  8: "Memory Parity Error",
  10: "Gateway Path Unavailable",
  11: "Gateway Target Device Failed to Respond",
};

const READ_REQUEST_BYTES = 8;

/** CRC-16 of Modbus, low byte first on the wire; zero over a frame with its CRC. */
export function crc16(bytes) {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

/**
 * Return what a frame says: {unit, code, isSound} and, as far as it has them, isRequest, exception, start, count, values;
 * {short: true} for less than a frame. `asked`: the last request, as decoded here, which tells where a reply's registers begin.
 */
export function decode(hex, asked) {
  const bytes = (hex.match(/../g) || []).map((pair) => parseInt(pair, 16));
  if (bytes.length < 4) return { short: true };
  const [unit, code] = bytes;
  const frame = { unit, code: code & 0x7f, isSound: crc16(bytes) === 0 };
  if (code > 0x7f) return { ...frame, exception: EXCEPTIONS[bytes[2]] || String(bytes[2]) };
  const body = bytes.slice(2, -2);
  const word = (at) => (body[at] << 8) | body[at + 1];
  const isReply = asked?.unit === unit && asked.code === code;
  if (code >= 1 && code <= 4) {
    if (bytes.length === READ_REQUEST_BYTES && body[0] !== body.length - 1)
      return { ...frame, isRequest: true, start: word(0), count: word(2) };
    if (body[0] !== body.length - 1) return frame;
    return {
      ...frame,
      start: isReply ? asked.start : undefined,
      values: code < 3 ? bits(body.slice(1), isReply ? asked.count : undefined) : words(body.slice(1)),
    };
  }
  if ((code === 5 || code === 6) && body.length === 4)
    return { ...frame, isRequest: !isReply, start: word(0), values: [code === 5 ? (word(2) ? 1 : 0) : word(2)] };
  if ((code === 15 || code === 16) && body.length >= 4) {
    const written = { ...frame, start: word(0), count: word(2) };
    if (body.length === 4) return written;
    return { ...written, isRequest: true, values: code === 15 ? bits(body.slice(5), written.count) : words(body.slice(5)) };
  }
  return frame;
}

function words(bytes) {
  return Array.from({ length: bytes.length >> 1 }, (_, index) => (bytes[2 * index] << 8) | bytes[2 * index + 1]);
}

function bits(bytes, count = 8 * bytes.length) {
  return Array.from({ length: Math.min(count, 8 * bytes.length) }, (_, index) => (bytes[index >> 3] >> (index & 7)) & 1);
}
