/**
 * Values as payloads: the only form in which a user's value is stored or sent.
 *
 * `decode(encode(value))` is the value that everybody sees, now and on each replay.
 */
import { StepwellError } from '../errors.js'
import type { BlobId, Payload } from '../generated/protocol.js'
import { parseStrict, stringifyStrict } from './strict.js'

/** A Blob or File on its way to the engine worker, beside the message whose payload names it. */
export interface NewBlob {
  readonly id: BlobId
  readonly blob: Blob
}

export interface Encoded {
  readonly payload: Payload
  /** The Blobs and Files in the value. */
  readonly blobs: readonly NewBlob[]
}

/** The stored Blobs that payloads name, read before they are decoded. */
export type ReadBlobs = ReadonlyMap<BlobId, Blob>

/** Makes text of richer values than JSON has: superjson and devalue fit as they are. */
export interface Serializer {
  /** Stored with each value, so that another serializer is not given its text. */
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
}

export const PAYLOAD_BYTES_DEFAULT = 4 * 1024 * 1024
/** A larger one would endanger the memory of the engine. */
export const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024
const NO_BLOBS: readonly NewBlob[] = []

export function createCodec(_options: CodecOptions = {}): Codec {
  return {
    encode: (value, what) => ({ payload: stringifyStrict(value, what), blobs: NO_BLOBS }),
    decode(payload) {
      if (typeof payload === 'string') return parseStrict(payload)
      throw new StepwellError('internal', 'Binary payloads cannot be read yet.')
    },
  }
}

/** The Blobs and Files that must be read before this payload can be decoded. */
export function blobIdsOf(_payload: Payload): readonly BlobId[] {
  return []
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
