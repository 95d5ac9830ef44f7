/** A client whose runtime is there from the start, on a connection that a test plays. */
import { checkConfig } from '../src/client/config.js'
import type { ClientConnection } from '../src/client/connection.js'
import { createClient } from '../src/client/create.js'
import { type Cell, createEmitter } from '../src/client/emitter.js'
import type { Front } from '../src/client/front.js'
import { initialStatus } from '../src/client/initial-status.js'
import { createRuntime, type Runtime } from '../src/client/runtime.js'
import type { Connection } from '../src/connection.js'
import type { StepwellStatus } from '../src/types.js'

interface Script {
  readonly connection: Connection
  readonly status: Cell<StepwellStatus>
}

export function scriptedRuntime({ connection }: Pick<Script, 'connection'>, jobs: object): Runtime {
  const whole: ClientConnection = {
    ...connection,
    setContext: () => undefined,
    transfer: () => Promise.reject(new Error('no transfers')),
    exportDatabase: () => Promise.reject(new Error('no exports')),
    persist: () => Promise.resolve(false),
    crash: () => undefined,
    close: () => Promise.resolve(),
  }
  return createRuntime(whole, checkConfig({ jobs }))
}

export function clientOn(script: Script, jobs: object) {
  const { connection, status } = script
  const runtime = scriptedRuntime(script, jobs)
  const front: Front = {
    config: checkConfig({ jobs }),
    status,
    serverStatus: initialStatus('strict'),
    events: { ...createEmitter(), on: connection.onEvents },
    engineEvents: createEmitter(),
    resets: createEmitter(),
    fail: () => undefined,
    runtime,
    onRuntime: () => () => undefined,
    call: (use) => use(runtime),
    connect: connection.connect,
    onEvents: connection.onEvents,
    onReset: connection.onReset,
    setContext: () => undefined,
    close: () => Promise.resolve(),
  }
  return createClient(front)
}
