// ACCEPTANCE E4: the hooks render on a server, where there is no worker, no lock and no storage.
import { createStepwell, defineJob } from '@stepwell/core'
import {
  StepwellProvider,
  type UseJobOptions,
  type UseRunLogsOptions,
  useJob,
  useRun,
  useRunLogs,
  useStepwell,
  useStepwellStatus,
} from '@stepwell/react'
import { type ReactNode, StrictMode, version } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'

const RUN_ID = '01900000-0000-7000-8000-000000000000'
const add = defineJob({ name: 'add', run: async (step, n: number) => step.run('one', () => n + 1) })
const client = createStepwell({ jobs: { add } })

function rendered(children: ReactNode): string {
  const app = <StepwellProvider client={client}>{children}</StepwellProvider>
  const html = renderToString(app)
  expect(renderToString(<StrictMode>{app}</StrictMode>)).toBe(html)
  return html
}

function Job({ options }: { options?: UseJobOptions }) {
  return <i>{useJob(add, options).status}</i>
}

function Run({ id }: { id: string | null }) {
  const selected = useRun(id, { select: (view) => ({ isLoading: view.isLoading }) })
  return <i>{`${useRun(id).status} ${selected.isLoading}`}</i>
}

function Logs({ id, options }: { id: string | null; options?: UseRunLogsOptions }) {
  const { status, logs } = useRunLogs(id, options)
  return <i>{`${status} ${logs.length}`}</i>
}

function Status() {
  const { state, role } = useStepwellStatus()
  return <i>{`${state} ${role}`}</i>
}

function Client() {
  return <i>{String(useStepwell() === client)}</i>
}

test('the React under test is the one that was asked for', () => {
  expect(version.split('.')[0]).toBe(process.env['REACT_MAJOR'] ?? '19')
})

test('useJob is loading, whatever its options', () => {
  expect(rendered(<Job />)).toBe('<i>loading</i>')
  expect(rendered(<Job options={{ autoResume: false }} />)).toBe('<i>loading</i>')
  expect(rendered(<Job options={{ initialRunId: RUN_ID }} />)).toBe('<i>loading</i>')
})

test('useRun is loading, and idle without an id', () => {
  expect(rendered(<Run id={RUN_ID} />)).toBe('<i>loading true</i>')
  expect(rendered(<Run id={null} />)).toBe('<i>idle false</i>')
})

test('useRunLogs is loading and has no lines', () => {
  expect(rendered(<Logs id={RUN_ID} />)).toBe('<i>loading 0</i>')
  expect(rendered(<Logs id={null} options={{ level: 'warn' }} />)).toBe('<i>idle 0</i>')
})

test('useStepwellStatus says that there is no connection yet', () => {
  expect(rendered(<Status />)).toBe('<i>connecting none</i>')
})

test('useStepwell gives the client of the provider', () => {
  expect(rendered(<Client />)).toBe('<i>true</i>')
})

test('a hook outside a provider says which one and what to do', () => {
  const words = (hook: string) =>
    new RegExp(
      `${hook}\\(\\) was called outside a <StepwellProvider>. Put <StepwellProvider client=`,
    )
  expect(() => renderToString(<Job />)).toThrow(words('useJob'))
  expect(() => renderToString(<Run id={null} />)).toThrow(words('useRun'))
  expect(() => renderToString(<Logs id={null} />)).toThrow(words('useRunLogs'))
  expect(() => renderToString(<Status />)).toThrow(words('useStepwellStatus'))
  expect(() => renderToString(<Client />)).toThrow(words('useStepwell'))
})

test('a wrong option is refused by name', () => {
  for (const limit of [0, -1, Number.NaN, 1.5, 100_000]) {
    const logs = <Logs id={RUN_ID} options={{ limit }} />
    expect(() => rendered(logs)).toThrow(/The option limit of useRunLogs/)
  }
  const job = <Job options={{ initialRunId: '' }} />
  expect(() => rendered(job)).toThrow(/The option initialRunId of useJob/)
})
