/**
 * An engine that keeps runs in memory and does with steps, waits and suspensions what the real one does. Time, signals,
 * children and the network are the test's: it ends waits by name.
 */
import { afterEach } from 'vitest'
import type { Executor } from '../src/executor/runtime.js'
import type {
  Assignment,
  ChildResult,
  EngineMessage,
  ExecutorEnvelope,
  ExecutorMessage,
  NewTrigger,
  NewWait,
  Payload,
  RunFailure,
  Step,
  StepKind,
  WaitingFor,
} from '../src/generated/protocol.js'
import { assign, type ScriptedEngine, step, welcomedExecutor } from './scripted-engine.js'

interface StoredRun {
  readonly assignment: Omit<Assignment, 'memo' | 'generation'>
  generation: number
  status: 'running' | 'waiting' | 'completed' | 'failed'
  readonly steps: Map<string, Step>
  /** What each invoke step made. */
  readonly made: Map<string, readonly NewTrigger[]>
  nextIndex: number
  /** As it was when the run was suspended. */
  parkedIndex: number
  output: Payload | undefined
  error: RunFailure | undefined
}

export interface End {
  readonly output?: Payload
  readonly error?: RunFailure
  readonly children?: ChildResult[]
}

export interface DurableEngine {
  readonly wire: ScriptedEngine
  readonly executor: Executor
  /** What the executor said, as `type step` or `type`. */
  readonly said: string[]
  /** The messages themselves. */
  readonly messages: ExecutorMessage[]
  /** How runs that wait are claimed: where they are parked, or as for another executor. */
  claims: 'resume' | 'assign'
  readonly start: (jobName: string, rest?: Partial<Assignment>) => void
  /** Ends a wait: with an outcome, or so that its step has to run again. */
  readonly end: (name: string, end: End | 'again', runId?: string) => void
  readonly run: (runId?: string) => StoredRun
  /** Resolves when this holds, which is looked at after each message. */
  readonly until: (holds: () => boolean) => Promise<void>
  readonly ended: (runId?: string) => Promise<StoredRun>
  readonly waiting: (runId?: string) => Promise<StoredRun>
  readonly close: () => void
}

export async function durableEngine(jobs: object, parkedMax?: number): Promise<DurableEngine> {
  const { engine: wire, executor } = await welcomedExecutor(jobs, null, undefined, parkedMax)
  const runs = new Map<string, StoredRun>()
  const said: string[] = []
  const messages: ExecutorMessage[] = []
  let watchers: (() => void)[] = []

  const runOf = (runId = 'run-1'): StoredRun => {
    const run = runs.get(runId)
    if (run === undefined) throw new Error(`no run ${runId}`)
    return run
  }
  const claim = (run: StoredRun) => {
    const { runId, jobName, timeoutMs } = run.assignment
    run.generation += 1
    run.status = 'running'
    const { generation } = run
    if (engine.claims === 'assign') wire.send(assign(jobName, assignmentOf(run)))
    else {
      const steps = memoOf(run).filter(
        ({ completedIndex, status }) =>
          status !== 'waiting' && (completedIndex ?? run.parkedIndex) >= run.parkedIndex,
      )
      wire.send({ type: 'resume', runId, generation, timeoutMs, steps })
    }
  }
  const tell = (run: StoredRun, ...names: readonly string[]) => {
    const { runId } = run.assignment
    for (const name of names) {
      const found = run.steps.get(name)
      if (found === undefined || found.status === 'waiting') continue
      wire.send({ type: 'resolved', runId, generation: run.generation, step: found })
    }
  }
  const receive = ({ seq, message }: ExecutorEnvelope) => {
    if (message.type === 'hello' || message.type === 'released') return
    const run = runOf(message.runId)
    if (message.generation !== run.generation) return
    if (isAboutSteps(message)) storeStep(run, message)
    else handle(run, message, { send: wire.send, claim, tell })
    if (seq > 0) wire.send({ type: 'ack', seqs: [seq] })
  }
  const listen = async () => {
    for (;;) {
      const envelope = await wire.nextEnvelope()
      const { message } = envelope
      messages.push(message)
      said.push('stepName' in message ? `${message.type} ${message.stepName}` : message.type)
      receive(envelope)
      const seen = watchers
      watchers = []
      for (const look of seen) look()
    }
  }
  void listen()
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>((resolve) => watchers.push(resolve))
  }
  const engine: DurableEngine = {
    wire,
    executor,
    said,
    messages,
    claims: 'resume',
    start(jobName, rest = {}) {
      const { assignment } = assignOf(jobName, rest)
      const { memo, generation, ...fixed } = assignment
      const run: StoredRun = {
        assignment: fixed,
        generation,
        status: 'running',
        steps: new Map(memo.map((stored) => [stored.name, stored])),
        made: new Map(),
        nextIndex: memo.filter(({ completedIndex }) => completedIndex !== undefined).length,
        parkedIndex: 0,
        output: undefined,
        error: undefined,
      }
      runs.set(assignment.runId, run)
      wire.send(assign(jobName, assignmentOf(run)))
    },
    end(name, end, runId) {
      const run = runOf(runId)
      const before = run.steps.get(name)
      if (before?.status !== 'waiting') throw new Error(`step ${name} does not wait`)
      if (end === 'again')
        run.steps.set(name, { ...before, status: 'pending', waitingFor: undefined })
      else complete(run, name, before.kind, end, before.attempt)
      if (run.status === 'waiting') claim(run)
      else if (run.status === 'running') tell(run, name)
    },
    run: runOf,
    until,
    async ended(runId) {
      const run = runOf(runId)
      await until(() => run.status === 'completed' || run.status === 'failed')
      return run
    },
    async waiting(runId) {
      const run = runOf(runId)
      await until(() => run.status === 'waiting')
      return run
    },
    close() {
      executor.close()
      wire.close()
    },
  }
  return engine
}

/** For a test file: makes engines that are closed after each test. */
export function durableEngines(): typeof durableEngine {
  let open: DurableEngine[] = []
  afterEach(() => {
    for (const engine of open) engine.close()
    open = []
  })
  return async (jobs, parkedMax) => {
    const engine = await durableEngine(jobs, parkedMax)
    open.push(engine)
    return engine
  }
}

type StepMessage = Extract<
  ExecutorMessage,
  { type: 'stepCommit' | 'stepFail' | 'stepWait' | 'stepInvoke' }
>

const STEP_MESSAGES: ReadonlySet<string> = new Set<StepMessage['type']>([
  'stepCommit',
  'stepFail',
  'stepWait',
  'stepInvoke',
])

function isAboutSteps(message: ExecutorMessage): message is StepMessage {
  return STEP_MESSAGES.has(message.type)
}

function storeStep(run: StoredRun, message: StepMessage): void {
  const { stepName } = message
  if (message.type === 'stepCommit') {
    complete(run, stepName, 'run', { output: message.output })
  } else if (message.type === 'stepInvoke') {
    const count = message.children.length
    run.made.set(stepName, message.children)
    wait(run, stepName, 'invoke', { kind: 'children', stepName, count })
  } else if (message.type === 'stepWait') {
    storeWait(run, stepName, message.wait)
  } else {
    const { kind, attempt, error, retry } = message
    if (retry === undefined) complete(run, stepName, kind, { error }, attempt)
    else wait(run, stepName, kind, { kind: 'retry', stepName, attempt, until: 1, error }, attempt)
  }
}

function storeWait(run: StoredRun, stepName: string, opened: NewWait): void {
  if (opened.kind === 'network') {
    const attempt = run.steps.get(stepName)?.attempt ?? 0
    wait(run, stepName, 'run', { kind: 'network', stepName }, attempt)
  } else if (opened.kind === 'signal') {
    const { key } = opened
    wait(run, stepName, 'signal', { kind: 'signal', stepName, key, until: undefined })
  } else {
    wait(run, stepName, 'sleep', { kind: 'sleep', stepName, until: 1 })
  }
}

interface Means {
  send(message: EngineMessage): void
  /** Gives a waiting run to the executor. */
  claim(run: StoredRun): void
  /** Tells which of these steps do not wait any more. */
  tell(run: StoredRun, ...names: readonly string[]): void
}

/** What is about the run and not about one of its steps. */
function handle(run: StoredRun, message: ExecutorMessage, { send, claim, tell }: Means): void {
  switch (message.type) {
    case 'suspend':
      if (message.waits.every((name) => run.steps.get(name)?.status === 'waiting')) {
        run.status = 'waiting'
        run.parkedIndex = run.nextIndex
      } else {
        tell(run, ...message.waits)
      }
      break
    case 'wake':
      if (run.status === 'waiting') claim(run)
      break
    case 'unresumable':
      send(assign(run.assignment.jobName, assignmentOf(run)))
      break
    case 'runComplete':
      run.status = 'completed'
      run.output = message.output
      break
    case 'runFail':
      run.status = 'failed'
      run.error = message.error
      break
  }
}

function assignOf(jobName: string, rest: Partial<Assignment>): { assignment: Assignment } {
  const message = assign(jobName, rest)
  if (message.type !== 'assign') throw new Error('not an assignment')
  return message
}

function complete(run: StoredRun, name: string, kind: StepKind, end: End, attempt = 1): void {
  const completedIndex = run.nextIndex
  run.nextIndex += 1
  const status = end.error === undefined ? 'completed' : 'failed'
  run.steps.set(name, step(name, { kind, status, completedIndex, attempt, ...end }))
}

function wait(
  run: StoredRun,
  name: string,
  kind: StepKind,
  waitingFor: WaitingFor,
  attempt = 1,
): void {
  run.steps.set(name, step(name, { kind, status: 'waiting', attempt, waitingFor }))
}

function memoOf({ steps }: StoredRun): Step[] {
  const last = Number.POSITIVE_INFINITY
  return [...steps.values()].sort((a, b) => (a.completedIndex ?? last) - (b.completedIndex ?? last))
}

function assignmentOf(run: StoredRun): Assignment {
  const { assignment, generation } = run
  return { ...assignment, generation, memo: memoOf(run) }
}
