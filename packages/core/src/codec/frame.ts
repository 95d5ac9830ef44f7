/**
 * The form of payloads that are more than strict JSON text.
 *
 * | payload    | content                                                                             |
 * |------------|-------------------------------------------------------------------------------------|
 * | text       | strict JSON; nothing at all for a bare `undefined`                                  |
 * | text       | `#`, the header as JSON, a line feed, the body                                      |
 * | Uint8Array | the same as UTF-8, followed by the bytes of the parts that have a `length`, in order |
 *
 * JSON never starts with `#`. The body is strict JSON, or the text of the serializer that the header names.
 */
import { StepwellError } from '../errors.js'
import type { BlobId, Payload } from '../generated/protocol.js'

/** A binary value, and where in the body's value it belongs: there stands `null`. */
export type Part =
  | {
      readonly path: readonly (string | number)[]
      readonly kind: 'bytes' | 'buffer'
      readonly length: number
    }
  | {
      readonly path: readonly (string | number)[]
      readonly kind: 'blob'
      readonly id: BlobId
      readonly type: string
    }
  | {
      readonly path: readonly (string | number)[]
      readonly kind: 'file'
      readonly id: BlobId
      readonly type: string
      readonly name: string
      readonly lastModified: number
    }

export interface Header {
  /** How many bytes the body has; only where others follow. */
  readonly body?: number
  readonly serializer?: string
  readonly parts?: readonly Part[]
}

export interface Frame {
  readonly header: Header
  readonly body: string
  /** What follows the body. */
  readonly rest: Uint8Array
}

const MARK = '#'
const LINE_FEED = 10
const NOTHING = new Uint8Array(0)

export function writeFrame(
  serializer: string | undefined,
  parts: readonly Part[],
  body: string,
  binaries: readonly Uint8Array[],
): Payload {
  const header: Header = {
    ...(serializer === undefined ? {} : { serializer }),
    ...(parts.length === 0 ? {} : { parts }),
  }
  if (binaries.length === 0) return `${headLine(header)}${body}`
  const bodyBytes = new TextEncoder().encode(body)
  const head = new TextEncoder().encode(headLine({ ...header, body: bodyBytes.length }))
  const pieces = [head, bodyBytes, ...binaries]
  const payload = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const piece of pieces) {
    payload.set(piece, offset)
    offset += piece.length
  }
  return payload
}

function headLine(header: Header): string {
  return `${MARK}${JSON.stringify(header)}\n`
}

/** `null` for plain text, which has no frame. */
export function readFrame(payload: Payload): Frame | null {
  if (typeof payload === 'string') {
    if (!payload.startsWith(MARK)) return null
    const end = payload.indexOf('\n')
    const header = readHeader(payload.slice(MARK.length, end))
    return { header, body: payload.slice(end + 1), rest: NOTHING }
  }
  const header = readHeader(textOf(payload.subarray(MARK.length, payload.indexOf(LINE_FEED))))
  const start = payload.indexOf(LINE_FEED) + 1
  const end = start + (header.body ?? payload.length - start)
  return { header, body: textOf(payload.subarray(start, end)), rest: payload.subarray(end) }
}

/** The header alone: cheaper, where the body is large. */
export function readHead(payload: Payload): Header | null {
  if (typeof payload !== 'string') {
    return readHeader(textOf(payload.subarray(MARK.length, payload.indexOf(LINE_FEED))))
  }
  if (!payload.startsWith(MARK)) return null
  return readHeader(payload.slice(MARK.length, payload.indexOf('\n')))
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw corrupt()
  }
}

function readHeader(text: string): Header {
  let header: unknown
  try {
    header = JSON.parse(text)
  } catch {
    throw corrupt()
  }
  if (!isHeader(header)) throw corrupt()
  return header
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false
  return !('parts' in value) || (Array.isArray(value.parts) && value.parts.every(isPart))
}

function isPart(part: unknown): part is Part {
  if (typeof part !== 'object' || part === null) return false
  if (!('path' in part) || !Array.isArray(part.path)) return false
  return 'length' in part ? typeof part.length === 'number' : 'id' in part
}

export function corrupt(): StepwellError {
  return new StepwellError(
    'storage_corrupt',
    'A stored value cannot be read: its header is damaged, or a newer version of Stepwell wrote it.',
  )
}
