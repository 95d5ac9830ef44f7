'use client'
/** React hooks for Stepwell: trigger and watch durable jobs that survive reloads. */
export type {
  ChildView,
  JobTriggerOptions,
  JobView,
  LoadedRunView,
  LogLine,
  LogsView,
  Run,
  RunsView,
  RunView,
  SignalView,
  Step,
  StepwellStatus,
  WaitingFor,
} from '@stepwell/core'
export type { RegisteredClient } from './context.js'
export { StepwellProvider, type StepwellProviderProps } from './provider.js'
export { type UseJobOptions, useJob } from './use-job.js'
export { type UseRunOptions, useRun } from './use-run.js'
export { type UseRunLogsOptions, useRunLogs } from './use-run-logs.js'
export { type UseRunsFilter, useRuns } from './use-runs.js'
export { useSignal } from './use-signal.js'
export { useStepwell } from './use-stepwell.js'
export { useStepwellStatus } from './use-stepwell-status.js'
export { type UseSuspenseRunOptions, useSuspenseRun } from './use-suspense-run.js'
