/** What `exportDatabase` and `importDatabase` are given, checked. */
import { checkBoolean, checkOptions, invalid, shown } from '../options.js'
import type { ExportAsk } from './rescue.js'

export function checkExportOptions(options: unknown): ExportAsk {
  const { blobs = false, damaged = false } = checkOptions(options, 'exportDatabase', [
    'blobs',
    'damaged',
  ])
  return {
    blobs: checkBoolean(blobs, 'The option blobs of exportDatabase'),
    isDamaged: checkBoolean(damaged, 'The option damaged of exportDatabase'),
  }
}

/** As a Blob, which crosses to the engine worker without a copy on this thread. */
export function checkImport(file: unknown): Blob {
  const blob = isBytes(file) ? new Blob([file]) : file
  if (!(blob instanceof Blob)) {
    throw invalid(
      `importDatabase takes a file as a Uint8Array, an ArrayBuffer or a Blob, and got ${shown(file)}.`,
    )
  }
  if (blob.size === 0) throw invalid('importDatabase got an empty file.')
  return blob
}

function isBytes(value: unknown): value is Uint8Array<ArrayBuffer> | ArrayBuffer {
  return value instanceof Uint8Array || value instanceof ArrayBuffer
}
