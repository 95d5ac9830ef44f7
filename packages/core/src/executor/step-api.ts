/** The `step` that a job's function gets. */
import type { LogLevel } from '../generated/protocol.js'
import type { Step, StepLog } from '../step.js'
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
      return body({
        get signal() {
          return signal()
        },
        attempt,
        idempotencyKey: `${assignment.runId}:${name}`,
        log: createLog(execution, () => source),
        progress,
      })
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

function createLog({ reports }: Execution, source: () => LogSource): StepLog {
  const at = (level: LogLevel) => (message: string, data?: unknown) =>
    reports.log(source(), level, message, data)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
