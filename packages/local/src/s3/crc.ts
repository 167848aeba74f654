// Both polynomials are written in the reversed bit order that the "reflected" form of the algorithm uses.
const CASTAGNOLI = 0x82f63b78
const NVME = 0x9a6c9329ac4bc9b5n
const ALL_ONES_64 = 0xffff_ffff_ffff_ffffn

const table32 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CASTAGNOLI : value >>> 1
  return value
})

const table64 = BigUint64Array.from({ length: 256 }, (_, byte) => {
  let value = BigInt(byte)
  for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ NVME : value >> 1n
  return value
})

/** CRC-32C (Castagnoli), which node:zlib does not have. */
export function crc32c(body: Uint8Array): number {
  let value = 0xffff_ffff
  for (const byte of body) value = (value >>> 8) ^ (table32[(value ^ byte) & 0xff] ?? 0)
  return (value ^ 0xffff_ffff) >>> 0
}

/** CRC-64/NVME, S3's default for objects uploaded in parts. */
export function crc64nvme(body: Uint8Array): bigint {
  let value = ALL_ONES_64
  for (const byte of body) value = (value >> 8n) ^ (table64[Number((value ^ BigInt(byte)) & 0xffn)] ?? 0n)
  return value ^ ALL_ONES_64
}
