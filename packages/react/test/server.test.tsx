// ACCEPTANCE E4: the hooks render on a server, where there is no worker, no lock and no storage.
import { createStepwell, defineJob } from '@stepwell/core'
import {
  StepwellProvider,
  type UseJobOptions,
  type UseRunLogsOptions,
  useJob,
  useRun,
  useRunLogs,
  useRuns,
  useSignal,
  useStepwell,
  useStepwellStatus,
  useSuspenseRun,
} from '@stepwell/react'
import { type ReactNode, StrictMode, Suspense, version } from 'react'
import { renderToPipeableStream, renderToString } from 'react-dom/server'
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

function Runs({ filter }: { filter?: Parameters<typeof useRuns>[0] }) {
  const { status, runs, hasNextPage } = useRuns(filter)
  return <i>{`${status} ${runs.length} ${hasNextPage}`}</i>
}

function SuspenseRun({ id }: { id: string }) {
  const isDone = useSuspenseRun(id, { select: (view) => view.isTerminal })
  return <i>{`${useSuspenseRun(id).status} ${isDone}`}</i>
}

function Signal({ signalKey }: { signalKey: string | null }) {
  const { isSending, disposition, error } = useSignal(signalKey)
  return <i>{`${isSending} ${disposition} ${error}`}</i>
}

function Family({ id }: { id: string | null }) {
  const { waitingFor, children } = useRun(id)
  const { waitingFor: ofJob, children: childrenOfJob } = useJob(add)
  return <i>{`${waitingFor} ${children.length} ${ofJob} ${childrenOfJob.length}`}</i>
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

test('nothing is waited for, there are no children, and no signal was sent', () => {
  expect(rendered(<Family id={RUN_ID} />)).toBe('<i>null 0 null 0</i>')
  expect(rendered(<Family id={null} />)).toBe('<i>null 0 null 0</i>')
  expect(rendered(<Signal signalKey="k" />)).toBe('<i>false null null</i>')
  expect(rendered(<Signal signalKey={null} />)).toBe('<i>false null null</i>')
})

test('useRuns takes a parent', () => {
  expect(rendered(<Runs filter={{ parent: null }} />)).toBe('<i>loading 0 false</i>')
  expect(rendered(<Runs filter={{ parent: RUN_ID }} />)).toBe('<i>loading 0 false</i>')
})

test('useRunLogs is loading and has no lines', () => {
  expect(rendered(<Logs id={RUN_ID} />)).toBe('<i>loading 0</i>')
  expect(rendered(<Logs id={null} options={{ level: 'warn' }} />)).toBe('<i>idle 0</i>')
})

test('useRuns is loading and has no runs, whatever its filter', () => {
  expect(rendered(<Runs />)).toBe('<i>loading 0 false</i>')
  const filter = { job: [add], status: 'completed', labels: { a: 'b' }, limit: 3 } as const
  expect(rendered(<Runs filter={filter} />)).toBe('<i>loading 0 false</i>')
})

test('useSuspenseRun sends the fallback for the browser to go on from', () => {
  const app = (
    <Suspense fallback={<i>fallback</i>}>
      <SuspenseRun id={RUN_ID} />
    </Suspense>
  )
  expect(rendered(app)).toContain('<i>fallback</i>')
  expect(() => rendered(<SuspenseRun id={RUN_ID} />)).toThrow(/Put a <Suspense> around/)
})

test('useSuspenseRun does not hang a stream', async () => {
  const errors: string[] = []
  await new Promise<void>((resolve) => {
    const app = (
      <StepwellProvider client={client}>
        <Suspense fallback={<i>fallback</i>}>
          <SuspenseRun id={RUN_ID} />
        </Suspense>
      </StepwellProvider>
    )
    renderToPipeableStream(app, {
      onError: (error) => void errors.push(String(error)),
      onAllReady: resolve,
    })
  })
  expect(errors).toHaveLength(1)
  expect(errors[0]).toContain('nothing to show on a server')
})

test('useStepwellStatus says that there is no connection yet', () => {
  expect(rendered(<Status />)).toBe('<i>connecting none</i>')
})

test('useStepwell gives the client of the provider', () => {
  expect(rendered(<Client />)).toBe('<i>true</i>')
})

test('no hook touches what only a browser has', () => {
  const touched: string[] = []
  const names = ['window', 'document', 'Worker', 'SharedWorker', 'localStorage', 'indexedDB']
  const more = ['requestAnimationFrame', 'caches', 'location']
  for (const name of [...names, ...more]) {
    const get = () => void touched.push(name)
    Object.defineProperty(globalThis, name, { configurable: true, get })
  }
  try {
    rendered(
      <Suspense fallback="fallback">
        <Job options={{ labels: { a: 'b' }, followLatest: true }} />
        <Run id={RUN_ID} />
        <Logs id={RUN_ID} />
        <Runs filter={{ status: 'running' }} />
        <Signal signalKey="k" />
        <Status />
        <Client />
      </Suspense>,
    )
    expect(touched).toEqual([])
  } finally {
    for (const name of [...names, ...more]) Reflect.deleteProperty(globalThis, name)
  }
})

test('a hook outside a provider says which one and what to do', () => {
  const words = (hook: string) =>
    new RegExp(
      `${hook}\\(\\) was called outside a <StepwellProvider>. Put <StepwellProvider client=`,
    )
  expect(() => renderToString(<Job />)).toThrow(words('useJob'))
  expect(() => renderToString(<Run id={null} />)).toThrow(words('useRun'))
  expect(() => renderToString(<Logs id={null} />)).toThrow(words('useRunLogs'))
  expect(() => renderToString(<Runs />)).toThrow(words('useRuns'))
  expect(() => renderToString(<Signal signalKey={null} />)).toThrow(words('useSignal'))
  expect(() => renderToString(<SuspenseRun id={RUN_ID} />)).toThrow(words('useSuspenseRun'))
  expect(() => renderToString(<Status />)).toThrow(words('useStepwellStatus'))
  expect(() => renderToString(<Client />)).toThrow(words('useStepwell'))
})

test('a wrong option is refused by name', () => {
  for (const limit of [0, -1, Number.NaN, 1.5, 100_000]) {
    const logs = <Logs id={RUN_ID} options={{ limit }} />
    expect(() => rendered(logs)).toThrow(/The option limit of useRunLogs/)
  }
  for (const [option, value] of [
    ['initialRunId', ''],
    ['labels', {}],
    ['concurrencyKey', ''],
    ['priority', Number.NaN],
    ['delay', 0],
  ] as const) {
    const job = <Job options={{ [option]: value }} />
    expect(() => rendered(job)).toThrow(new RegExp(`The option ${option} of useJob`))
  }
  for (const id of [undefined, null, '', 7]) {
    const run = () => Reflect.apply(useSuspenseRun, undefined, [id])
    expect(run).toThrow(/useSuspenseRun needs a run's id/)
  }
  for (const limit of [0, -1, Number.NaN, 1.5, 1001]) {
    expect(() => rendered(<Runs filter={{ limit }} />)).toThrow(/The option limit of useRuns/)
  }
})
