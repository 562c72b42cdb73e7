/**
 * CRC-16 with the reflected polynomial 0xA001. Modbus starts with 0xFFFF (MODBUS over Serial Line V1.02, 6.2.2), the P1 port
 * with 0 (DSMR 5.0.2 P1 Companion Standard, 6.2).
 */
export function crc16(bytes: Uint8Array, start: number): number {
  let crc = start;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}
