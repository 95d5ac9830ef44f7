/** The one class of operating errors. A job's failure is data on its run (`RunFailure`), not one of these. */
import type { ErrorCode, ErrorInfo } from './generated/protocol.js'

export type { ErrorCode } from './generated/protocol.js'

/** One problem that a schema found. */
export interface Issue {
  readonly message: string
  /** Where in the value; empty for the value itself. */
  readonly path: readonly (string | number)[]
}

export interface StepwellErrorOptions {
  readonly cause?: unknown
  readonly issues?: readonly Issue[]
}

/** A refused operation. Match on `code`; `message` says what happened and what to do. */
export class StepwellError extends Error {
  override readonly name = 'StepwellError'
  readonly code: ErrorCode
  /** With `invalid_input`: what the schema found, one entry a problem. */
  readonly issues: readonly Issue[]
  /** What `isStepwellError` looks for: two copies of this module in one page must know each other's errors. */
  readonly '~stepwell' = 'error'

  constructor(code: ErrorCode, message: string, options: StepwellErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.issues = options.issues ?? []
  }
}

/** Whether a value is a `StepwellError` (with that code), also one from another copy of this package. */
export function isStepwellError<C extends ErrorCode = ErrorCode>(
  value: unknown,
  code?: C,
): value is StepwellError & { readonly code: C } {
  if (typeof value !== 'object' || value === null) return false
  if (!('~stepwell' in value) || value['~stepwell'] !== 'error') return false
  return code === undefined || ('code' in value && value.code === code)
}

/** The error of a refusal that came over the wire. */
export function fromErrorInfo(info: ErrorInfo): StepwellError {
  return new StepwellError(info.code, info.message)
}

/** Any thrown value as a `StepwellError`; others become `internal`, with the original as `cause`. */
export function toStepwellError(reason: unknown): StepwellError {
  if (reason instanceof StepwellError) return reason
  const text = reason instanceof Error ? reason.message : String(reason)
  if (isStepwellError(reason)) return new StepwellError(reason.code, text, { cause: reason })
  return new StepwellError('internal', `Unexpected error: ${text}`, { cause: reason })
}

/** The text of anything that was thrown. */
export function errorText(reason: unknown): string {
  if (reason instanceof Error) return `${reason.name}: ${reason.message}`
  return String(reason)
}
