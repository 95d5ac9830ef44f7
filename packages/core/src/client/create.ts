/** `createStepwell`: checks the options and puts a client together. Connects on first use, and never in Node. */
import type { JobsOf } from '../infer.js'
import { checkConfig } from './config.js'
import { runFilter } from './filters.js'
import { createFront, type Front } from './front.js'
import { lateSubscription } from './late-subscription.js'
import { checkListener, createEvents } from './on.js'
import { checkRunId } from './resolve.js'
import type { Runtime } from './runtime.js'
import { typedClient, type UntypedStepwell } from './typed.js'
import type { Stepwell, StepwellOptions } from './types.js'

export function createStepwell<M extends object>(options: StepwellOptions<M>): Stepwell<JobsOf<M>> {
  return typedClient(createClient(createFront(checkConfig(options))))
}

export function createClient(front: Front): UntypedStepwell {
  const { status } = front
  /** A command of the runtime, which is loaded for the first one. */
  const command =
    <A extends readonly unknown[], T>(of: (runtime: Runtime) => (...given: A) => Promise<T>) =>
    (...given: A): Promise<T> =>
      front.call((runtime) => of(runtime)(...given))
  const commands = {
    trigger: command((runtime) => runtime.trigger),
    batchTrigger: command((runtime) => runtime.batchTrigger),
    retrigger: command((runtime) => runtime.retrigger),
    triggerAndWait: command((runtime) => runtime.triggerAndWait),
    getRun: command((runtime) => runtime.getRun),
    getRuns: command((runtime) => runtime.getRuns),
    getSteps: command((runtime) => runtime.getSteps),
    getLogs: command((runtime) => runtime.getLogs),
    waitForRun: command((runtime) => runtime.waitForRun),
    cancel: command((runtime) => runtime.cancel),
    retry: command((runtime) => runtime.retry),
    signal: command((runtime) => runtime.signal),
    deleteRun: command((runtime) => runtime.deleteRun),
    purgeRuns: command((runtime) => runtime.purgeRuns),
    exportDatabase: command((runtime) => runtime.exportDatabase),
    importDatabase: command((runtime) => runtime.importDatabase),
    persist: command((runtime) => runtime.persist),
  }
  return {
    ...commands,
    setContext: front.setContext,
    subscribe(runId) {
      checkRunId(runId)
      return lateSubscription(front, runId)
    },
    on: createEvents(front, (event) => front.runtime?.toPublicEvent(event)),
    get status() {
      return status.get()
    },
    onStatus(listener) {
      checkListener(listener, 'The listener for onStatus')
      front.connect()
      return status.subscribe(() => listener(status.get()))
    },
    close: front.close,
    '~core': {
      ...commands,
      connection: front,
      status,
      serverStatus: front.serverStatus,
      get runtime() {
        return front.runtime
      },
      onRuntime: front.onRuntime,
      call: front.call,
      checkRunFilter: (filter, what) => runFilter(front.config.jobs, filter, what, 'cursor'),
      readRuns: command((runtime) => runtime.readRuns),
      beginAndWait: command((runtime) => runtime.beginAndWait),
    },
  }
}
