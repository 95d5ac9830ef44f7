/** `client.signal`: a value, or an error, for the run that waits for its key. */
import type { Encoded } from '../codec/codec.js'
import type { Connection } from '../connection.js'
import { toFailure } from '../executor/failure.js'
import type { Command, SignalDisposition } from '../generated/protocol.js'
import { checkSignalKey } from '../signal-key.js'
import { idsOf } from './new-trigger.js'

export interface SignalContext {
  readonly connection: Connection
  encode(value: unknown, what: string): Encoded
}

export interface UntypedSignalled {
  readonly disposition: SignalDisposition
}

export async function signal(
  { connection, encode }: SignalContext,
  givenKey: unknown,
  value: unknown,
): Promise<UntypedSignalled> {
  const key = checkSignalKey(givenKey, 'The key of signal')
  const type = 'signal' as const
  if (isError(value)) {
    // Thrown by the step that waits, in its first attempt: there is no other.
    const error = toFailure(value, { attempt: 1, stepName: undefined })
    const { disposition } = await connection.request({
      type,
      key,
      value: undefined,
      error,
      blobs: [],
    })
    return { disposition }
  }
  const { payload, blobs } = encode(value, `The value of signal ${JSON.stringify(key)}`)
  const command: Extract<Command, { type: 'signal' }> = {
    type,
    key,
    value: payload,
    error: undefined,
    blobs: idsOf(blobs),
  }
  const { disposition } = await connection.request(command, blobs)
  return { disposition }
}

/** Also one of another realm, such as a frame. */
function isError(value: unknown): boolean {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
}
