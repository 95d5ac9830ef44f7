/** Standard Schema v1 (zod, valibot, arktype, …) at the edge: the parsed value, or `invalid_input` with each path. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { errorText, type Issue, StepwellError } from './errors.js'

/** Messages name this many problems; `issues` has them all. */
const PROBLEMS_SHOWN_MAX = 5

/**
 * @param what what is validated, for the message: `The input of job "import-csv"`.
 * @returns what the schema made of the value: defaults, transforms, without unknown keys.
 */
export async function validate<I, O>(
  schema: StandardSchemaV1<I, O>,
  value: unknown,
  what: string,
): Promise<O> {
  let result: StandardSchemaV1.Result<O>
  try {
    result = await schema['~standard'].validate(value)
  } catch (reason) {
    throw new StepwellError(
      'invalid_input',
      `${what} could not be validated, for the schema threw: ${errorText(reason)}`,
      { cause: reason },
    )
  }
  if (result.issues === undefined) return result.value
  const issues = result.issues.map(toIssue)
  throw new StepwellError('invalid_input', `${what} is invalid: ${issuesText(issues)}`, { issues })
}

/** Refuses what the schema refuses, and leaves the value as it is: another job will parse it. */
export function checkedOnly(schema: StandardSchemaV1 | undefined): StandardSchemaV1 | undefined {
  if (schema === undefined) return undefined
  return {
    '~standard': {
      version: 1,
      vendor: 'stepwell',
      async validate(value) {
        const result = await schema['~standard'].validate(value)
        return result.issues === undefined ? { value } : result
      },
    },
  }
}

function toIssue(issue: StandardSchemaV1.Issue): Issue {
  const path = (issue.path ?? []).map((part) => {
    const key = typeof part === 'object' ? part.key : part
    return typeof key === 'symbol' ? String(key) : key
  })
  return { message: issue.message, path }
}

function issuesText(issues: readonly Issue[]): string {
  const shown = issues
    .slice(0, PROBLEMS_SHOWN_MAX)
    .map(({ message, path }) => (path.length === 0 ? message : `${pathText(path)}: ${message}`))
  const rest = issues.length - shown.length
  return shown.join('; ') + (rest > 0 ? `; and ${rest} more` : '')
}

function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}
