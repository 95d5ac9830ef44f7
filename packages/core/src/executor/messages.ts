/** Shape checks of what the engine worker says, as far as it is used without a question. */
import type { EngineMessage } from '../generated/protocol.js'
import { isObject, isPayload, isText } from '../shapes.js'
import type { ToExecutor } from '../wire.js'

export type Received = EngineMessage | Exclude<ToExecutor, readonly EngineMessage[]>

type Check = (value: unknown) => boolean

const isNumber: Check = (value) => typeof value === 'number'
const isBoolean: Check = (value) => typeof value === 'boolean'
const isOptional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const hasShape =
  (shape: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(shape).every(([key, check]) => check(Reflect.get(value, key)))

const PLACE = { runId: isText, generation: isNumber }
const isFailure = hasShape({ name: isText, message: isText, causes: isListOf(isObject) })
const isChild = hasShape({
  jobName: isText,
  status: isText,
  output: isOptional(isPayload),
  error: isOptional(isFailure),
})
const isStep = hasShape({
  name: isText,
  kind: isText,
  status: isText,
  output: isOptional(isPayload),
  error: isOptional(isFailure),
  children: isListOf(isChild),
})
const isAssignment = hasShape({
  ...PLACE,
  jobName: isText,
  attempt: isNumber,
  labels: isObject,
  logCount: isNumber,
  input: isPayload,
  memo: isListOf(isStep),
})

const SHAPES: Readonly<Record<Received['type'], Check>> = {
  welcome: hasShape({ adopted: isListOf(hasShape(PLACE)), isOnline: isBoolean }),
  assign: hasShape({ assignment: isAssignment }),
  resume: hasShape({ ...PLACE, steps: isListOf(isStep) }),
  resolved: hasShape({ ...PLACE, step: isStep }),
  network: hasShape({ isOnline: isBoolean }),
  ack: hasShape({ seqs: isListOf(isNumber) }),
  refused: hasShape({ seq: isNumber, runId: isText, reason: isText }),
  abort: hasShape({ ...PLACE, reason: isText }),
  blob: hasShape({ id: isText, blob: (blob) => blob === null || blob instanceof Blob }),
  unstorable: hasShape({ seq: isNumber, error: hasShape({ code: isText, message: isText }) }),
}

/** The port is private to the engine worker; this keeps a message of another build from doing harm. */
export function isEngineMessage(item: unknown): item is Received {
  if (!isObject(item) || !('type' in item) || typeof item.type !== 'string') return false
  return isKnown(item.type) && SHAPES[item.type](item)
}

function isKnown(type: string): type is Received['type'] {
  return Object.hasOwn(SHAPES, type)
}
