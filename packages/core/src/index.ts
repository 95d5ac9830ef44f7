/**
 * Durable jobs for the browser. Importing this touches no browser global: it works in Node, on a server and in a worker.
 */
export { createStepwell } from './client/create.js'
export type {
  StepwellEngineEvent,
  StepwellEvent,
  StepwellEventOf,
  StepwellEventType,
  StepwellRunEvent,
} from './client/events.js'
export type { RegisteredJobs } from './client/register.js'
export type { RunError } from './client/run-error.js'
export type {
  ExportOptions,
  LimitOptions,
  LogsFilter,
  LogsPage,
  PurgeOptions,
  RunSnapshot,
  RunSubscription,
  RunsFilter,
  RunsPage,
  RunUpdate,
  Signalled,
  Stepwell,
  StepwellOptions,
  TerminalRunOf,
  Triggered,
  TriggeredOutput,
  WaitOptions,
} from './client/types.js'
export type { Serializer } from './codec/codec.js'
export type { Observable } from './connection.js'
export type { Duration } from './duration.js'
export type { ErrorCode, Issue } from './errors.js'
export { isStepwellError, StepwellError } from './errors.js'
export type {
  AnyJob,
  Args,
  BatchItem,
  Job,
  JobInput,
  JobLabels,
  JobName,
  JobOutput,
  JobParsed,
  JobsOf,
  JobTaking,
  Labels,
  Resolve,
  Run,
  RunOf,
  TriggerOptions,
} from './infer.js'
export { defineJob, isJob, type JobConfig, type JobPolicy } from './job.js'
export {
  NonRetryableError,
  type NonRetryableErrorOptions,
  RetryAfterError,
  type RetryAfterErrorOptions,
} from './job-errors.js'
// For building bindings, such as @stepwell/react: framework-free observers of runs, jobs, logs and the connection.
export { observeJob } from './observers/job.js'
export { observeLogs } from './observers/logs.js'
export { observeRun } from './observers/run.js'
export { observeRuns } from './observers/runs.js'
export { observeSignal } from './observers/signal.js'
export { observeStatus } from './observers/status.js'
export type {
  ChildView,
  JobActions,
  JobObserver,
  JobTriggerOptions,
  JobView,
  LoadedRunView,
  LogsView,
  ObserveJobOptions,
  ObserveLogsOptions,
  ObserveRunsFilter,
  Observer,
  RunObserver,
  RunState,
  RunsView,
  RunView,
  SignalView,
} from './observers/types.js'
export {
  defineParentJob,
  type ParentJobConfig,
  type ParentOutput,
  type ParentPlan,
  type ParentResults,
} from './parent-job.js'
export {
  type PolledOutput,
  type PollOptions,
  type PollOutput,
  type PollResult,
  poll,
} from './poll.js'
export type { RetryOptions } from './retry.js'
export { type JobThatTakes, type Sequence, sequence } from './sequence.js'
/** What a job's function is given; `Step` is a stored step. */
export type {
  InvokeCall,
  InvokeOptions,
  MapOptions,
  RegisteredContext,
  Settled,
  SignalOptions,
  SignalResult,
  Step as JobStep,
  StepContext,
  StepLog,
  StepOptions,
} from './step.js'
export type {
  Disposition,
  FailureCause,
  FailureCode,
  LogLevel,
  LogLine,
  Progress,
  RetryPolicy,
  RunFailure,
  RunStatus,
  SignalDisposition,
  Step,
  StepChild,
  StepKind,
  StepStatus,
  StepwellStatus,
  StorageLoss,
  StorageQuota,
  StorageState,
  TerminalStatus,
  WaitingFor,
} from './types.js'

/**
 * For the user to fill, so that names of jobs and what jobs get as `step.context` are typed everywhere:
 * `declare module '@stepwell/core' { interface Register { client: typeof stepwell; context: { token: string } } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface Register {}
