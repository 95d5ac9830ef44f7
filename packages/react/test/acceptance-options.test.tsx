// ACCEPTANCE E7: what is wrong with an option of a hook is `invalid_input`, names the option, and connects nothing.
import { createStepwell, defineJob, isStepwellError } from '@stepwell/core'
import {
  StepwellProvider,
  useJob,
  useRun,
  useRunLogs,
  useRuns,
  useSignal,
  useSuspenseRun,
} from '@stepwell/react'
import type { ReactNode } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'

const RUN_ID = '01900000-0000-7000-8000-000000000000'
const add = defineJob({ name: 'add', run: async (step, n: number) => step.run('one', () => n + 1) })
const client = createStepwell({ jobs: { add } })

const hooks = { useJob, useRun, useRunLogs, useRuns, useSignal, useSuspenseRun }
type Hook = keyof typeof hooks

function Calls({ hook, args }: { hook: Hook; args: readonly unknown[] }) {
  Reflect.apply(hooks[hook], undefined, args)
  return null
}

/** Calls the hook with what a caller without types can pass; why it was refused. */
function refusal(hook: Hook, args: readonly unknown[]): string {
  return refusalOf(
    <StepwellProvider client={client}>
      <Calls hook={hook} args={args} />
    </StepwellProvider>,
  )
}

function refusalOf(node: ReactNode): string {
  try {
    renderToString(<main>{node}</main>)
  } catch (error) {
    if (isStepwellError(error, 'invalid_input')) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

const table: readonly (readonly [Hook, readonly unknown[], RegExp])[] = [
  ['useJob', [undefined], /named by its definition or its name, and this is undefined/],
  ['useJob', [7], /named by its definition or its name, and this is 7/],
  ['useJob', [add, null], /useJob takes an object/],
  ['useJob', [add, 'auto'], /useJob takes an object/],
  ['useJob', [add, { autoResum: true }], /useJob does not know the option "autoResum"/],
  ['useJob', [add, { autoResume: 'no' }], /autoResume of useJob/],
  ['useJob', [add, { autoResume: null }], /autoResume of useJob/],
  ['useJob', [add, { followLatest: 1 }], /followLatest of useJob/],
  ['useJob', [add, { initialRunId: 'x'.repeat(201) }], /initialRunId of useJob/],
  ['useJob', [add, { initialRunId: 7 }], /initialRunId of useJob/],
  ['useJob', [add, { idempotencyKey: '' }], /idempotencyKey of useJob/],
  ['useJob', [add, { idempotencyKey: 'x'.repeat(257) }], /idempotencyKey of useJob/],
  ['useJob', [add, { concurrencyKey: 7 }], /concurrencyKey of useJob/],
  ['useJob', [add, { coalesce: 'skip' }], /coalesce of useJob/],
  ['useJob', [add, { concurrencyKey: 'a', coalesce: 'all' }], /coalesce of useJob/],
  ['useJob', [add, { labels: [] }], /labels of useJob/],
  ['useJob', [add, { labels: { a: 1 } }], /labels of useJob/],
  ['useJob', [add, { delay: -1 }], /delay of useJob/],
  ['useJob', [add, { delay: 'soon' }], /delay of useJob/],
  ['useJob', [add, { startAt: 0 }], /startAt of useJob/],
  ['useJob', [add, { startAt: Number.NaN }], /startAt of useJob/],
  ['useJob', [add, { priority: 1001 }], /priority of useJob/],
  ['useJob', [add, { priority: '1' }], /priority of useJob/],
  ['useRun', [RUN_ID, null], /useRun takes an object/],
  ['useRun', [RUN_ID, () => 1], /useRun takes an object/],
  ['useRun', [RUN_ID, { select: 'status' }], /select of useRun must be a function.*string/],
  ['useRun', [RUN_ID, { select: null }], /select of useRun/],
  ['useRun', [null, { selct: () => 1 }], /useRun does not know the option "selct"/],
  ['useSuspenseRun', [RUN_ID, []], /useSuspenseRun takes an object/],
  ['useSuspenseRun', [RUN_ID, { select: 5 }], /select of useSuspenseRun/],
  ['useSuspenseRun', [RUN_ID, { suspend: true }], /useSuspenseRun does not know.*"suspend"/],
  ['useRunLogs', [RUN_ID, 'warn'], /useRunLogs takes an object/],
  ['useRunLogs', [RUN_ID, { level: 'loud' }], /level of useRunLogs/],
  ['useRunLogs', [RUN_ID, { level: '' }], /level of useRunLogs/],
  ['useRunLogs', [null, { limit: '10' }], /limit of useRunLogs/],
  ['useRunLogs', [RUN_ID, { order: 'desc' }], /useRunLogs does not know the option "order"/],
  ['useRuns', ['all'], /useRuns takes an object/],
  ['useRuns', [{ job: [] }], /job of useRuns/],
  ['useRuns', [{ status: 'done' }], /status of useRuns/],
  ['useRuns', [{ labels: {} }], /labels of useRuns/],
  ['useRuns', [{ createdAfter: -1 }], /createdAfter of useRuns/],
  ['useRuns', [{ createdBefore: Number.NaN }], /createdBefore of useRuns/],
  ['useRuns', [{ limit: '10' }], /limit of useRuns/],
  ['useRuns', [{ parent: 7 }], /parent of useRuns/],
  ['useRuns', [{ parent: '' }], /parent of useRuns/],
  ['useRuns', [{ cursor: 'x' }], /useRuns does not know the option "cursor"/],
  ['useSignal', [7], /key of useSignal/],
  ['useSignal', [''], /key of useSignal/],
  ['useSignal', [{ key: 'k' }], /key of useSignal/],
  ['useSignal', ['k'.repeat(513)], /key of useSignal/],
]

test.each(table)('%s refuses %j', (hook, args, says) => {
  expect(refusal(hook, args)).toMatch(says)
  expect(client.status.state).toBe('connecting')
})

test.each([undefined, null, 'client', {}, Promise.resolve(client)])(
  'StepwellProvider refuses the client %j',
  (wrong) => {
    const props: Parameters<typeof StepwellProvider>[0] = Object.assign(
      { client },
      { client: wrong },
    )
    expect(refusalOf(<StepwellProvider {...props} />)).toMatch(/client=\{stepwell\}/)
  },
)
