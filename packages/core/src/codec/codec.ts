/**
 * Values as payloads: the only form in which a user's value is stored or sent.
 *
 * `decode(encode(value))` is the value that everybody sees, now and on each replay.
 */
import { errorText, StepwellError } from '../errors.js'
import type { BlobId, Payload } from '../generated/protocol.js'
import { randomId } from '../random-id.js'
import { bytesOf } from './binary.js'
import { corrupt, type Header, type Part, readFrame, readHead, writeFrame } from './frame.js'
import { hasBinary, type Lifted, lift, place } from './lift.js'
import { PAYLOAD_BYTES_DEFAULT } from './payload-limits.js'
import { checkStrict, sentence } from './strict.js'

/** A Blob or File on its way to the engine worker, beside the message whose payload names it. */
export interface NewBlob {
  readonly id: BlobId
  readonly blob: Blob
}

export interface Encoded {
  readonly payload: Payload
  /** The Blobs and Files in the value, but for those that are stored already. */
  readonly blobs: readonly NewBlob[]
}

/** The stored Blobs that payloads name, read before they are decoded. */
export type ReadBlobs = ReadonlyMap<BlobId, Blob>

/** Makes text of richer values than JSON has: superjson and devalue fit as they are. */
export interface Serializer {
  /**
   * Stored with each value, so that it is never given to another serializer. Default `'custom'`. Name it, if you may ever
   * change it.
   */
  readonly name?: string
  stringify(value: unknown): string
  parse(text: string): unknown
}

export interface Codec {
  /**
   * Throws `not_serializable` and `payload_too_large`.
   * @param what what the value is, for the message: `the output of step "x"`.
   */
  encode(value: unknown, what: string): Encoded
  /** @param blobs those of `blobIdsOf(payload)`, read; may be left out where there are none. */
  decode(payload: Payload, blobs?: ReadBlobs): unknown
}

export interface CodecOptions {
  readonly serializer?: Serializer | undefined
  readonly payloadBytesMax?: number
  /**
   * For the codec of one execution of a run: a Blob or File that came from the run's stored values is not stored again.
   * It may not be shared between runs: a file that only another run refers to can be deleted at any time.
   */
  readonly isOfOneRun?: boolean
}

const NO_BLOBS: readonly NewBlob[] = []
const NO_IDS: readonly BlobId[] = []
const NO_PARTS: Lifted['parts'] = []

export function createCodec(options: CodecOptions = {}): Codec {
  const { serializer, payloadBytesMax = PAYLOAD_BYTES_DEFAULT } = options
  const stored = options.isOfOneRun === true ? createStoredBlobs() : null
  return {
    encode(value, what) {
      if (value === undefined) return { payload: '', blobs: NO_BLOBS }
      const encoded =
        serializer === undefined
          ? encodeStrict(value, what, stored)
          : encodeBy(serializer, value, what, stored)
      checkSize(encoded.payload, payloadBytesMax, what)
      return encoded
    },
    decode(payload, blobs) {
      if (payload === '') return undefined
      const frame = readFrame(payload)
      // A payload without a frame is text.
      if (frame === null) return JSON.parse(String(payload))
      const value = parseBody(serializer, frame.header, frame.body)
      const found = (id: BlobId) => blobs?.get(id) ?? stored?.get(id)
      return putBack(value, frame.header.parts ?? [], frame.rest, { found, stored })
    },
  }
}

/** The Blobs and Files that must be read before this payload can be decoded. */
export function blobIdsOf(payload: Payload): readonly BlobId[] {
  const parts = readHead(payload)?.parts
  return parts === undefined ? NO_IDS : parts.flatMap((part) => ('id' in part ? [part.id] : NO_IDS))
}

/** How much a payload counts against limits of memory; exact for text of ASCII and for binary. */
export function sizeOf(payload: Payload): number {
  return payload.length
}

/** The value that was made into this payload; the caller knows its type because it was there. */
export function replayed<V>(codec: Codec, payload: Payload, blobs?: ReadBlobs): V
export function replayed(codec: Codec, payload: Payload, blobs?: ReadBlobs): unknown {
  return codec.decode(payload, blobs)
}

/** Which Blobs that the user's code holds are stored, and as what. */
interface StoredBlobs {
  idOf(blob: Blob): BlobId | undefined
  get(id: BlobId): Blob | undefined
  add(id: BlobId, blob: Blob): void
}

function createStoredBlobs(): StoredBlobs {
  const ids = new WeakMap<Blob, BlobId>()
  const blobs = new Map<BlobId, Blob>()
  return {
    idOf: (blob) => ids.get(blob),
    get: (id) => blobs.get(id),
    add(id, blob) {
      ids.set(blob, id)
      blobs.set(id, blob)
    },
  }
}

function encodeStrict(value: unknown, what: string, stored: StoredBlobs | null): Encoded {
  // Almost all values have nothing binary: they are walked once, and nothing is copied.
  if (checkStrict(value, what) === 'json') {
    return { payload: JSON.stringify(value), blobs: NO_BLOBS }
  }
  const lifted = lift(value, what)
  checkStrict(lifted.value, what)
  return assemble(undefined, JSON.stringify(lifted.value), lifted.parts, stored)
}

function encodeBy(
  serializer: Serializer,
  value: unknown,
  what: string,
  stored: StoredBlobs | null,
): Encoded {
  const lifted = hasBinary(value, what) ? lift(value, what) : { value, parts: NO_PARTS }
  let text: unknown
  try {
    text = serializer.stringify(lifted.value)
  } catch (cause) {
    throw new StepwellError(
      'not_serializable',
      `${sentence(what)} cannot be stored: the serializer "${nameOf(serializer)}" threw: ${errorText(cause)}`,
      { cause },
    )
  }
  if (typeof text !== 'string') {
    throw new StepwellError(
      'not_serializable',
      `${sentence(what)} cannot be stored: stringify of the serializer "${nameOf(serializer)}" returned no text.`,
    )
  }
  return assemble(nameOf(serializer), text, lifted.parts, stored)
}

function nameOf(serializer: Serializer): string {
  // A class has a name by itself, which minifiers change.
  return typeof serializer === 'function' ? 'custom' : (serializer.name ?? 'custom')
}

function assemble(
  serializer: string | undefined,
  body: string,
  lifted: Lifted['parts'],
  stored: StoredBlobs | null,
): Encoded {
  const ids = new Map<Blob, BlobId>()
  const idOf = (blob: Blob): BlobId => {
    const known = stored?.idOf(blob)
    if (known !== undefined) return known
    const id = ids.get(blob) ?? randomId()
    ids.set(blob, id)
    return id
  }
  const binaries: Uint8Array[] = []
  const parts = lifted.map(({ path, binary }): Part => {
    if (binary.kind === 'bytes' || binary.kind === 'buffer') {
      const bytes = bytesOf(binary.value)
      binaries.push(bytes)
      return { path, kind: binary.kind, length: bytes.length }
    }
    const id = idOf(binary.value)
    const { type } = binary.value
    if (binary.kind === 'blob') return { path, kind: 'blob', id, type }
    const { name, lastModified } = binary.value
    return { path, kind: 'file', id, type, name, lastModified }
  })
  const payload = writeFrame(serializer, parts, body, binaries)
  return { payload, blobs: [...ids].map(([blob, id]) => ({ id, blob })) }
}

function checkSize(payload: Payload, bytesMax: number, what: string): void {
  // A character of UTF-16 is at most three bytes of UTF-8.
  if (typeof payload === 'string' && payload.length * 3 <= bytesMax) return
  const bytes =
    typeof payload === 'string' ? new TextEncoder().encode(payload).length : payload.length
  if (bytes <= bytesMax) return
  throw new StepwellError(
    'payload_too_large',
    `${sentence(what)} takes ${bytes} bytes, and ${bytesMax} is the limit (the option limits.payloadBytes of ` +
      'createStepwell). Put large data into a Blob, which does not count, or store it elsewhere and keep its key here.',
  )
}

function parseBody(serializer: Serializer | undefined, header: Header, body: string): unknown {
  if (header.serializer === undefined) return JSON.parse(body)
  const own = serializer === undefined ? undefined : nameOf(serializer)
  if (serializer === undefined || own !== header.serializer) {
    throw new StepwellError(
      'invalid_input',
      `A stored value was made by the serializer "${header.serializer}", and ` +
        `${own === undefined ? 'there is none here' : `here is "${own}"`}. Give the same one to createStepwell and to ` +
        'serveJobs, as the option serializer.',
    )
  }
  try {
    return serializer.parse(body)
  } catch (cause) {
    throw new StepwellError(
      'storage_corrupt',
      `A stored value cannot be read: parse of the serializer "${own}" threw: ${errorText(cause)}`,
      { cause },
    )
  }
}

interface Lookup {
  found(id: BlobId): Blob | undefined
  readonly stored: StoredBlobs | null
}

function putBack(
  value: unknown,
  parts: readonly Part[],
  rest: Uint8Array,
  { found, stored }: Lookup,
): unknown {
  let offset = 0
  let whole = value
  for (const part of parts) {
    if ('id' in part) {
      const blob = blobOf(part, found(part.id))
      stored?.add(part.id, blob)
      whole = place(whole, part.path, blob)
      continue
    }
    const end = offset + part.length
    if (end > rest.length) throw corrupt()
    const bytes = rest.slice(offset, end)
    offset = end
    whole = place(whole, part.path, part.kind === 'bytes' ? bytes : bytes.buffer)
  }
  return whole
}

/** By reference: no content is read or copied. */
function blobOf(part: Extract<Part, { id: BlobId }>, stored: Blob | undefined): Blob {
  const { type } = part
  if (stored === undefined) throw gone(part)
  // Always a new one: what is stored is a File of the storage's own name.
  if (part.kind === 'blob') return stored.slice(0, stored.size, type)
  return new File([stored], part.name, { type, lastModified: part.lastModified })
}

function gone(part: Extract<Part, { id: BlobId }>): StepwellError {
  const what = part.kind === 'file' ? `The file ${JSON.stringify(part.name)}` : 'A Blob'
  return new StepwellError(
    'not_found',
    `${what} of a stored value is not there any more: it was deleted with its run.`,
  )
}
