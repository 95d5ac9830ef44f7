/** The `step` that a job's function gets. */
import type { LogLevel } from '../generated/protocol.js'
import type { Step, StepContext, StepLog } from '../step.js'
import type { CallBody } from './body.js'
import type { Execution } from './execution.js'
import { createInvoke } from './invoke.js'
import { createMap } from './map.js'
import type { LogSource } from './reports.js'
import { createStepRunner } from './step-run.js'
import { createWaits } from './waits.js'

export function createStep(execution: Execution): Step {
  const { assignment, controller, context } = execution
  // `step` is shared by parallel bodies, and a browser cannot tell after an `await` in which of them a call is made. So
  // `step.log` names a step only while its body runs synchronously, and no step rather than a wrong one otherwise; the
  // `log` in a body's context always names its own.
  let inBody: LogSource | null = null
  const between: LogSource = { stepName: undefined, attempt: assignment.attempt }

  const log = createLog(execution, () => inBody ?? between)
  const progress = (current: number, total?: number, message?: string) =>
    execution.reports.progress(current, total, message)

  const callBody: CallBody = ({ name, attempt, signal }, body) => {
    const source: LogSource = { stepName: name, attempt }
    const outer = inBody
    inBody = source
    try {
      const idempotencyKey = `${assignment.runId}:${name}`
      const log = createLog(execution, () => source)
      return body(new BodyContext(signal, { attempt, idempotencyKey, log, progress }))
    } finally {
      inBody = outer
    }
  }
  return {
    run: createStepRunner(execution, callBody),
    ...createWaits(execution),
    ...createInvoke(execution),
    map: createMap(execution, callBody),
    progress,
    log,
    signal: controller.signal,
    throwIfAborted: () => controller.signal.throwIfAborted(),
    runId: assignment.runId,
    attempt: assignment.attempt,
    labels: assignment.labels,
    get context() {
      return context.value()
    },
  }
}

type Plain = Omit<StepContext, 'signal'>

/**
 * What a body gets. The signal is made when it is read: most bodies read none. It is a class, because a getter in an object
 * literal gives each object a hidden class of its own, and that cost a step as much as all else here.
 */
class BodyContext implements StepContext {
  readonly attempt: number
  readonly idempotencyKey: string
  readonly log: StepLog
  readonly progress: StepContext['progress']
  readonly #signal: () => AbortSignal

  constructor(signal: () => AbortSignal, { attempt, idempotencyKey, log, progress }: Plain) {
    this.attempt = attempt
    this.idempotencyKey = idempotencyKey
    this.log = log
    this.progress = progress
    this.#signal = signal
  }

  get signal(): AbortSignal {
    return this.#signal()
  }
}

function createLog({ reports }: Execution, source: () => LogSource): StepLog {
  const at = (level: LogLevel) => (message: string, data?: unknown) =>
    reports.log(source(), level, message, data)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
