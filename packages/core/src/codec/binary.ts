/** The kinds of binary values that are stored as they are, and how they come back. */

/** `bytes`: Uint8Array. `buffer`: ArrayBuffer. */
export type BinaryKind = 'bytes' | 'buffer' | 'blob' | 'file'

const TAGS: Readonly<Record<string, BinaryKind>> = {
  '[object Uint8Array]': 'bytes',
  '[object ArrayBuffer]': 'buffer',
  '[object Blob]': 'blob',
  '[object File]': 'file',
}

/** By tag and not by `instanceof`: values come from frames too. Subclasses (Node's Buffer) count as what they extend. */
function binaryKindOf(value: object): BinaryKind | undefined {
  const tag: string = Object.prototype.toString.call(value)
  return Object.hasOwn(TAGS, tag) ? TAGS[tag] : undefined
}

/** A binary value with its kind, which is a `kind` of its own for each type that TypeScript must know. */
export type Binary =
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'buffer'; readonly value: ArrayBuffer }
  | { readonly kind: 'blob'; readonly value: Blob }
  | { readonly kind: 'file'; readonly value: File }

export function isBinary(value: object): boolean {
  return binaryKindOf(value) !== undefined
}

export function isBlobLike(value: object): value is Blob {
  const kind = binaryKindOf(value)
  return kind === 'blob' || kind === 'file'
}

/** `undefined` for what is no binary value. */
export function toBinary(value: object): Binary | undefined {
  const kind = binaryKindOf(value)
  if (kind === undefined) return undefined
  if (kind === 'bytes' && isBytes(value)) return { kind, value }
  if (kind === 'buffer' && isBuffer(value)) return { kind, value }
  if (kind === 'blob' && isBlobLike(value)) return { kind, value }
  if (kind === 'file' && isFile(value)) return { kind, value }
  return undefined
}

/** Whether the memory was transferred away: its content is gone, and an empty value must not be stored in its place. */
export function isDetached(binary: Binary): boolean {
  if (binary.kind !== 'bytes' && binary.kind !== 'buffer') return false
  const buffer = binary.kind === 'bytes' ? binary.value.buffer : binary.value
  try {
    // `buffer.detached` is too new to rely on. This copies nothing.
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

export function bytesOf(value: Uint8Array | ArrayBuffer): Uint8Array {
  return 'buffer' in value ? value : new Uint8Array(value)
}

// The tag is the browser's own.
function isBytes(value: object): value is Uint8Array {
  return 'byteLength' in value && 'buffer' in value
}

function isBuffer(value: object): value is ArrayBuffer {
  return 'byteLength' in value && 'slice' in value
}

function isFile(value: object): value is File {
  return 'name' in value && 'lastModified' in value
}
