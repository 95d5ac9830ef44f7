/** What an engine may do to a run with steps, waits and children, one random thing after the other. */
import type { EventBody, Run, RunFailure, Step, WaitingFor } from '../src/generated/protocol.js'
import type { scriptedClient } from './scripted-client.js'

type Engine = ReturnType<typeof scriptedClient>
type Random = (below: number) => number
type Kind = Step['kind']

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const FAILURE: RunFailure = {
  name: 'E',
  message: 'm',
  stack: undefined,
  causes: [],
  code: 'error',
  attempt: 1,
  stepName: undefined,
}

export function scriptedRun(engine: Engine, runId: string, random: Random) {
  const stored = new Map<string, Step>()
  const running = new Map<string, Step>()
  let nextIndex = 0

  const run = (): Run => {
    const found = engine.runs.get(runId)
    if (found === undefined) throw new Error(`no run ${runId}`)
    return found
  }
  const list = () => {
    const rows = [...stored.values()].filter(({ name }) => !running.has(name))
    const ended = rows.filter(({ completedIndex }) => completedIndex !== undefined)
    const open = rows.filter(({ completedIndex }) => completedIndex === undefined)
    ended.sort((a, b) => (a.completedIndex ?? 0) - (b.completedIndex ?? 0))
    open.sort((a, b) => (a.name < b.name ? -1 : 1))
    engine.steps.set(runId, [...ended, ...open, ...running.values()])
  }
  const write = (patch: Partial<Run>, body: EventBody) => {
    list()
    engine.change(runId, patch, body)
  }
  const pick = <T>(from: readonly T[]): T | undefined => from[random(from.length)]
  const waits = () => [...stored.values()].filter(({ status }) => status === 'waiting')
  /** A step that this call may be of: a new one, or one of its kind that has to run again. */
  const callable = (kind: Kind) =>
    pick(
      NAMES.filter((name) => {
        const row = stored.get(name)
        if (running.has(name)) return false
        return row === undefined || (row.status === 'pending' && row.kind === kind)
      }),
    )
  const row = (name: string, kind: Kind, rest: Partial<Step>): Step => ({
    name,
    kind,
    status: 'pending',
    completedIndex: undefined,
    attempt: 1,
    output: undefined,
    error: undefined,
    firstAttempt: 1,
    waitingFor: undefined,
    children: [],
    startedAt: 7,
    completedAt: undefined,
    ...rest,
  })
  const outcome = (step: Step, isFailure: boolean) => {
    const completedIndex = nextIndex++
    const { name, kind, attempt } = step
    running.delete(name)
    const error = isFailure ? FAILURE : undefined
    const status = isFailure ? 'failed' : 'completed'
    stored.set(name, row(name, kind, { status, completedIndex, attempt, error, completedAt: 9 }))
    const body = { stepName: name, stepKind: kind, attempt, completedIndex, startedAt: 7 }
    const patch = { stepCount: run().stepCount + 1, ...(kind === 'run' ? { recoveries: 0 } : {}) }
    if (isFailure) write(patch, { type: 'step:fail', ...body, errorCode: 'error' })
    else write(patch, { type: 'step:complete', ...body })
  }
  const open = (name: string, kind: Kind, attempt: number, waitingFor: WaitingFor) => {
    running.delete(name)
    const error = waitingFor.kind === 'retry' ? waitingFor.error : undefined
    stored.set(name, row(name, kind, { status: 'waiting', attempt, waitingFor, error }))
    const body = { stepName: name, stepKind: kind, attempt, waitingFor, startedAt: 7 }
    write({ recoveries: 0 }, { type: 'step:wait', ...body })
  }
  /** What waited has to run again. */
  const settle = () => {
    running.clear()
    for (const step of waits()) {
      stored.set(step.name, { ...step, status: 'pending', waitingFor: undefined })
    }
  }
  const renew = () => {
    for (const step of [...stored.values()].filter(({ status }) => status === 'failed')) {
      stored.set(step.name, { ...step, status: 'pending', completedIndex: undefined })
    }
    return [...stored.values()].filter(({ status }) => status === 'completed').length
  }
  const end = (patch: Partial<Run>, body: EventBody) => {
    settle()
    write({ completedAt: 9, waitingFor: undefined, ...patch }, body)
  }
  const cancel = () => end({ status: 'cancelled' }, { type: 'run:cancel' })

  const startStep = () => {
    const name = callable('run')
    if (name === undefined) return
    const attempt = (stored.get(name)?.attempt ?? 0) + 1
    running.set(name, row(name, 'run', { status: 'running', attempt }))
    list()
    engine.emit(runId, { type: 'step:start', stepName: name, attempt })
  }
  const endStep = () => {
    const step = pick([...running.values()])
    if (step === undefined) return startStep()
    if (random(3) > 0) return outcome(step, random(4) === 0)
    const { name, attempt } = step
    const until = 99
    engine.batch(() => {
      engine.tell(
        runId,
        { version: run().version + 1 },
        {
          type: 'step:retry',
          stepName: name,
          attempt,
          errorCode: 'error',
          until,
        },
      )
      const waitingFor = { kind: 'retry', stepName: name, attempt: attempt + 1, until } as const
      open(name, 'run', attempt, { ...waitingFor, error: FAILURE })
    })
  }
  const openWait = () => {
    const kind = pick(['sleep', 'signal', 'invoke', 'run'] as const) ?? 'sleep'
    const name = callable(kind)
    if (name === undefined) return
    if (kind === 'sleep') open(name, kind, 1, { kind, stepName: name, until: 99 })
    else if (kind === 'signal') open(name, kind, 1, { kind, stepName: name, key: 'k', until: 99 })
    else if (kind === 'run') {
      open(name, kind, stored.get(name)?.attempt ?? 0, { kind: 'network', stepName: name })
    } else invoke(name)
  }
  const invoke = (name: string) => {
    const count = 1 + random(3)
    const made = [...engine.runs.values()].some(
      ({ parentId, parentStep }) => parentId === runId && parentStep === name,
    )
    engine.batch(() => {
      open(name, 'invoke', 1, { kind: 'children', stepName: name, count })
      for (let childIndex = 0; childIndex < count && !made; childIndex++) {
        engine.trigger({ parentId: runId, parentStep: name, childIndex, rootId: runId })
      }
    })
  }
  const endWait = () => {
    const step = pick(waits())
    if (step === undefined) return
    if (step.kind !== 'run') return outcome(step, step.kind === 'signal' && random(3) === 0)
    stored.set(step.name, { ...step, status: 'pending', waitingFor: undefined })
    write({}, { type: 'step:wake', stepName: step.name, attempt: step.attempt })
  }
  const suspend = () => {
    const waitingFor = waits()[0]?.waitingFor
    if (running.size > 0 || waitingFor === undefined) return endStep()
    write({ status: 'waiting', waitingFor }, { type: 'run:wait', waitingFor })
  }
  const retryLater = () => {
    const attempt = run().attempt + 1
    const waitingFor = { kind: 'retry', stepName: undefined, attempt, until: 99 } as const
    settle()
    const stepCount = renew()
    const patch = { status: 'waiting', attempt, recoveries: 0, stepCount } as const
    const waits = { waitingFor: { ...waitingFor, error: FAILURE } }
    write({ ...patch, ...waits }, { type: 'run:wait', ...waits })
  }
  const resume = (recoveries: number) => {
    running.clear()
    const patch = { status: 'running', waitingFor: undefined, recoveries } as const
    write(patch, { type: 'run:resume', attempt: run().attempt, recoveries })
  }
  const work = () => {
    const what = random(20)
    if (what < 5) startStep()
    else if (what < 10) endStep()
    else if (what < 13) openWait()
    else if (what < 15) endWait()
    else if (what < 17) suspend()
    else if (what === 17) resume(run().recoveries + 1)
    else if (random(3) > 0) {
      const progress = { current: random(100), total: 100, message: undefined }
      engine.change(runId, { version: run().version, progress }, { type: 'run:progress', progress })
    } else {
      const fail = () =>
        end({ status: 'failed', error: FAILURE }, { type: 'run:fail', errorCode: 'error' })
      const complete = () => end({ status: 'completed', output: '1' }, { type: 'run:complete' })
      pick([retryLater, retryLater, cancel, fail, complete])?.()
    }
  }
  const childWorks = () => {
    const child = pick([...engine.runs.values()].filter(({ parentId }) => parentId === runId))
    if (child === undefined) return
    if (child.status === 'pending') engine.start(child.id)
    else if (child.status === 'running') engine.complete(child.id)
    else engine.change(child.id, { status: 'pending' }, { type: 'run:retry', attempt: 2 })
  }
  return {
    /** One thing. */
    happen() {
      const { status } = run()
      if (random(4) === 0) childWorks()
      else if (status === 'pending') engine.start(runId)
      else if (status === 'running') work()
      else if (status === 'waiting') {
        const what = random(6)
        if (what < 3) endWait()
        else if (what < 5) resume(run().recoveries)
        else cancel()
      } else if (status !== 'completed') {
        const patch = { error: undefined, completedAt: undefined, recoveries: 0 }
        const attempt = run().attempt + 1
        const stepCount = renew()
        const retried = { status: 'pending', attempt, stepCount, ...patch } as const
        write(retried, { type: 'run:retry', attempt })
      }
    },
  }
}
