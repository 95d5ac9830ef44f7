/** A ZIP archive of files that are compressed already: headers around them, in a Blob that copies no file. */

export interface ZipEntry {
  readonly name: string
  readonly image: Blob
  readonly crc: number
  readonly modified: number
}

type Field = readonly [bytes: 2 | 4, value: number]

export function zip(entries: readonly ZipEntry[]): Blob {
  const files: BlobPart[] = []
  const directory: BlobPart[] = []
  let offset = 0
  let directorySize = 0
  for (const [i, { name, image, crc, modified }] of entries.entries()) {
    // Numbered: photos of two folders may have the same name.
    const path = new TextEncoder().encode(`${String(i + 1).padStart(3, '0')} ${name}`)
    const shared: readonly Field[] = [
      [2, 20], // the version needed
      [2, 0x0800], // the name is UTF-8
      [2, 0], // stored as it is
      ...dosTime(new Date(modified)),
      [4, crc],
      [4, image.size],
      [4, image.size],
      [2, path.length],
      [2, 0],
    ]
    const head = pack([4, 0x04034b50], ...shared)
    const listing = pack([4, 0x02014b50], [2, 20], ...shared, [2, 0], [4, 0], [4, 0], [4, offset])
    files.push(head, path, image)
    directory.push(listing, path)
    offset += head.length + path.length + image.size
    directorySize += listing.length + path.length
  }
  const count: Field = [2, entries.length]
  const end = pack([4, 0x06054b50], [4, 0], count, count, [4, directorySize], [4, offset], [2, 0])
  return new Blob([...files, ...directory, end], { type: 'application/zip' })
}

function pack(...fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [bytes]) => sum + bytes, 0)))
  let at = 0
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true)
    else view.setUint32(at, value, true)
    at += bytes
  }
  return new Uint8Array(view.buffer)
}

function dosTime(date: Date): readonly Field[] {
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1)
  const year = Math.max(0, date.getFullYear() - 1980)
  const day = (year << 9) | ((date.getMonth() + 1) << 5) | date.getDate()
  return [
    [2, time],
    [2, day],
  ]
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0)
  return (crc ^ 0xffffffff) >>> 0
}
