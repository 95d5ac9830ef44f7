import type { Run } from '../src/generated/protocol.js'

/** A pending run as the engine tells it. */
export function wireRun(rest: Partial<Run> = {}): Run {
  return {
    id: 'run-1',
    jobName: 'job',
    status: 'pending',
    input: '1',
    output: undefined,
    error: undefined,
    progress: undefined,
    attempt: 1,
    version: 1,
    generation: 0,
    recoveries: 0,
    maxRecoveries: 10,
    stepCount: 0,
    logCount: 0,
    idempotencyKey: undefined,
    concurrencyKey: undefined,
    priority: 0,
    waitingFor: undefined,
    firstAttempt: 1,
    retry: { maxAttempts: 1, initialDelayMs: 1000, factor: 2, maxDelayMs: 60_000, jitter: 0.2 },
    timeoutMs: undefined,
    parentId: undefined,
    parentStep: undefined,
    childIndex: undefined,
    rootId: rest.id ?? 'run-1',
    labels: {},
    createdAt: 1,
    startAt: 1,
    startedAt: undefined,
    completedAt: undefined,
    updatedAt: 1,
    ...rest,
  }
}
