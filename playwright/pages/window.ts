/** What the pages give to the tests. */
import type { JobsOf, Stepwell, StepwellEvent, StepwellStatus } from '@stepwell/core'
import { crashEngine, engineCounters, terminateExecutor } from '@stepwell/core/testing'
import type * as definitions from './definitions.js'
import { describe } from './definitions-values.js'
import { onUnhandled } from './unhandled.js'

export type TestClient = Stepwell<JobsOf<typeof definitions>>

export interface Refused {
  readonly ok: false
  readonly name: string
  readonly message: string
  readonly code: string | null
  readonly stepName: string | null
  readonly attempt: number | null
  readonly issues: readonly (readonly (string | number)[])[]
}

export type Outcome<T> = { readonly ok: true; readonly value: T } | Refused

declare global {
  interface Window {
    stepwell: TestClient
    /** Triggers a run; its id. */
    start(job: string, input: unknown, options: object): Promise<string>
    /** All that `on('*')` told, in order. */
    events: StepwellEvent[]
    statuses: StepwellStatus[]
    /** Errors that nobody handled. */
    unhandled: string[]
    /** A promise's end as data, with the fields of an error that would be lost on the way to a test. */
    outcome<T>(promise: Promise<T>): Promise<Outcome<T>>
    crash(how: 'panic' | 'terminate'): Promise<void>
    /** @param index which of several, from 0 */
    killExecutor(index?: number): Promise<void>
    /** See `spawnsMax` of `PageOptions`. */
    spawnsMax: number
    /** For a test to put something in now and await it later. */
    // biome-ignore lint/suspicious/noExplicitAny: whatever the test wants
    kept: Promise<any>
    counters(): ReturnType<typeof engineCounters>
    /** A value with its binary parts and files, as text. */
    describe(value: unknown): Promise<string>
    /** How often the client has asked each thing of the engine. */
    asked: Record<string, number>
  }
}

export function expose(client: TestClient): void {
  window.stepwell = client
  window.start = async (job, input, options) =>
    (await client['~core'].trigger(job, input, options)).id
  window.events = []
  window.statuses = [client.status]
  window.unhandled = []
  window.outcome = outcome
  window.crash = async (how) => crashEngine(client, how)
  window.killExecutor = async (index) => terminateExecutor(client, index)
  window.describe = describe
  window.counters = () => engineCounters(client)
  countAsked(client)
  client.on('*', (event) => window.events.push(event))
  client.onStatus((status) => window.statuses.push(status))
  addEventListener('unhandledrejection', ({ reason }) => window.unhandled.push(String(reason)))
  addEventListener('error', ({ message }) => window.unhandled.push(message))
  onUnhandled((text) => window.unhandled.push(text))
}

function countAsked(client: TestClient): void {
  window.asked = {}
  client['~core'].onRuntime(({ connection }) => {
    const request = connection.request.bind(connection)
    connection.request = (command, blobs) => {
      window.asked[command.type] = (window.asked[command.type] ?? 0) + 1
      return request(command, blobs)
    }
  })
}

function outcome<T>(promise: Promise<T>): Promise<Outcome<T>> {
  return promise.then((value) => ({ ok: true, value }), refused)
}

function refused(reason: unknown): Refused {
  const read = (key: string): unknown =>
    typeof reason === 'object' && reason !== null ? Reflect.get(reason, key) : undefined
  const textOf = (key: string) => {
    const value = read(key)
    return typeof value === 'string' ? value : null
  }
  const attempt = read('attempt')
  const issues = read('issues')
  return {
    ok: false,
    name: textOf('name') ?? typeof reason,
    message: textOf('message') ?? String(reason),
    code: textOf('code'),
    stepName: textOf('stepName'),
    attempt: typeof attempt === 'number' ? attempt : null,
    issues: Array.isArray(issues) ? issues.map((issue) => issue.path) : [],
  }
}
