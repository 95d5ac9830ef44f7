/** The option `limits` of `createStepwell`. */
import { PAYLOAD_BYTES_DEFAULT, PAYLOAD_BYTES_MAX } from '../codec/payload-limits.js'
import { checkInteger, checkOptions } from '../options.js'
import type { Limits } from '../wire.js'

const LOG_LINES_DEFAULT = 100_000
const LOG_LINES_MAX = 10_000_000

export function checkLimits(value: unknown, name: string): Limits {
  const known = ['payloadBytes', 'logLines']
  const { payloadBytes = PAYLOAD_BYTES_DEFAULT, logLines = LOG_LINES_DEFAULT } = checkOptions(
    value,
    name,
    known,
  )
  return {
    payloadBytes: checkInteger(payloadBytes, `${name}: payloadBytes`, 1, PAYLOAD_BYTES_MAX),
    logLines: checkInteger(logLines, `${name}: logLines`, 1, LOG_LINES_MAX),
  }
}
