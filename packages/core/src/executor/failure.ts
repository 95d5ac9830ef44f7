/** A thrown value as data, and data as the error that a replay throws. */
import { isStepwellError, StepwellError } from '../errors.js'
import type { FailureCause, FailureCode, RunFailure } from '../generated/protocol.js'
import { NonRetryableError } from '../job-errors.js'

const MESSAGE_CHARS_MAX = 8 * 1024
const CAUSE_CHARS_MAX = 2 * 1024
const STACK_CHARS_MAX = 8 * 1024
const CAUSES_MAX = 8

/** Where a failure happened. */
export interface FailurePlace {
  /** The attempt of the step, or of the run where no step failed. */
  readonly attempt: number
  readonly stepName: string | undefined
}

const FAILURE_CODES: ReadonlySet<string> = new Set<FailureCode>([
  'not_serializable',
  'duplicate_step',
  'history_mismatch',
  'invalid_input',
  'timeout',
  'limit_exceeded',
  'payload_too_large',
  'cancelled',
  'conflict',
])

function isFailureCode(code: string): code is FailureCode {
  return FAILURE_CODES.has(code)
}

/** What was thrown, as it is stored. Never throws itself, whatever a getter or `toString` of the value does. */
export function toFailure(thrown: unknown, place: FailurePlace): RunFailure {
  const code = isStepwellError(thrown) && isFailureCode(thrown.code) ? thrown.code : 'error'
  return {
    name: property(thrown, 'name') ?? 'Error',
    message: bounded(messageOf(thrown), MESSAGE_CHARS_MAX),
    stack: stackOf(thrown),
    causes: causesOf(thrown),
    code,
    attempt: place.attempt,
    stepName: place.stepName,
  }
}

const BUILT_IN_ERRORS: Readonly<Record<string, (message: string) => Error>> = {
  EvalError: (message) => new EvalError(message),
  RangeError: (message) => new RangeError(message),
  ReferenceError: (message) => new ReferenceError(message),
  SyntaxError: (message) => new SyntaxError(message),
  TypeError: (message) => new TypeError(message),
  URIError: (message) => new URIError(message),
}

/**
 * The error that a replay throws in place of the original: same name, message, stack, code and causes, and the same class
 * where it is one of the language's own.
 */
export function fromFailure(failure: RunFailure): Error {
  const error = construct(failure)
  if (error.name !== failure.name) define(error, 'name', failure.name)
  const cause = causeFrom(failure.causes)
  if (cause !== undefined) define(error, 'cause', cause)
  if (failure.stack !== undefined) define(error, 'stack', failure.stack)
  return error
}

/** The chain, from its innermost end. */
function causeFrom(chain: readonly FailureCause[]): Error | undefined {
  return chain.reduceRight<Error | undefined>((inner, { name, message }) => {
    const error = construct({ code: 'error', name, message })
    if (error.name !== name) define(error, 'name', name)
    if (inner !== undefined) define(error, 'cause', inner)
    return error
  }, undefined)
}

type Kind = Pick<RunFailure, 'code' | 'name' | 'message'>

function construct({ code, name, message }: Kind): Error {
  if (name === 'NonRetryableError') return new NonRetryableError(message)
  if (code !== 'error') return new StepwellError(code, message)
  const builtIn = Object.hasOwn(BUILT_IN_ERRORS, name) ? BUILT_IN_ERRORS[name] : undefined
  return builtIn === undefined ? new Error(message) : builtIn(message)
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, {
    value,
    configurable: true,
    enumerable: false,
    writable: true,
  })
}

/** A value and what caused it, outermost first. */
export function* causes(thrown: unknown): Generator<unknown> {
  let current = thrown
  for (let i = 0; i < CAUSES_MAX && current !== undefined; i++) {
    yield current
    current = read(current, 'cause')
  }
}

function causesOf(thrown: unknown): FailureCause[] {
  const [, ...inner] = causes(thrown)
  return inner.map((cause) => ({
    name: bounded(property(cause, 'name') ?? 'Error', CAUSE_CHARS_MAX),
    message: bounded(messageOf(cause), CAUSE_CHARS_MAX),
  }))
}

function messageOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  const message = property(thrown, 'message')
  if (message !== undefined) return message
  try {
    return typeof thrown === 'object' ? (JSON.stringify(thrown) ?? '') : String(thrown)
  } catch {
    return 'A value was thrown that cannot be shown.'
  }
}

/** The stack with those of the causes. `undefined` for what has none. */
function stackOf(thrown: unknown): string | undefined {
  const parts: string[] = []
  for (const cause of causes(thrown)) {
    const text = property(cause, 'stack') ?? (parts.length === 0 ? undefined : messageOf(cause))
    if (text === undefined) break
    parts.push(text)
  }
  return parts.length === 0 ? undefined : bounded(parts.join('\nCaused by: '), STACK_CHARS_MAX)
}

function property(value: unknown, key: string): string | undefined {
  const found = read(value, key)
  return typeof found === 'string' ? found : undefined
}

function read(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    return Reflect.get(value, key)
  } catch {
    return undefined
  }
}

function bounded(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`
}
