/** What is behind an entry of a run: read once, kept current by events, read again where those do not tell. */
import type { UntypedRun } from '../client/convert.js'
import type { Commands } from '../client/core.js'
import { isStepwellError, type StepwellError, toStepwellError } from '../errors.js'
import type { RunEvent } from '../generated/protocol.js'
import type { Step } from '../types.js'
import type { EntryParts } from './cache.js'
import { createChildren } from './children.js'
import { cancelFrame, inNextFrame } from './frame.js'
import { type RunSnapshot, reduceRun } from './reduce.js'
import { runState } from './run-state.js'
import type { RunState } from './types.js'
import { LOADING, MISSING, obstacleOf, unavailableState } from './view.js'

export interface RunParts extends EntryParts<RunState> {
  /** What is known from elsewhere, such as the answer to `trigger`. */
  seed(run: UntypedRun): void
}

type Known = 'loading' | 'missing' | RunSnapshot

export function createRunParts(core: Commands, runId: string, changed: () => void): RunParts {
  let known: Known = 'loading'
  let error: StepwellError | null = null
  let shown = LOADING
  let isStarted = false
  let isPaced = false
  let isReading = false
  /** Whether to read once more after the read that is under way. */
  let isReadAgain = false
  /** Events that came during a read: its answer may be older or newer than they are. */
  let held: RunEvent[] = []
  const children = createChildren(core, runId, () => inNextFrame(show))

  const state = (): RunState => {
    const obstacle = obstacleOf(core.status.get()) ?? error
    if (obstacle !== null) return unavailableState(obstacle)
    if (known === 'loading') return LOADING
    return known === 'missing' ? MISSING : runState(known, children.list())
  }
  const show = () => {
    cancelFrame(show)
    shown = state()
    changed()
  }
  /**
   * A change of status is shown at once; steps, progress and children come by the thousand. Of several changes of status
   * in one frame only the first is: so a frame never has more than two commits.
   */
  const showSoon = () => {
    if (isPaced || state().status === shown.status) return inNextFrame(show)
    show()
    isPaced = true
    inNextFrame(unpace)
  }
  const unpace = () => {
    isPaced = false
  }
  const apply = (events: readonly RunEvent[]) => {
    const before = known
    let isStale = false
    for (const event of events) {
      if (event.type === 'run:delete') {
        known = 'missing'
        isStale = false
        continue
      }
      if (known === 'loading') break
      if (known === 'missing') {
        isStale = true
        break
      }
      const reduced = reduceRun(known, event)
      known = reduced.snapshot
      isStale ||= reduced.isStale
    }
    if (isStale) read()
    if (known === before) return
    followChildren()
    showSoon()
  }
  const followChildren = () => {
    if (known === 'missing') children.forget()
    else if (known !== 'loading') children.follow(known.steps)
  }
  const onAnswer = () => {
    isReading = false
    const events = held
    held = []
    apply(events)
    followChildren()
    if (isReadAgain) read()
    showSoon()
  }
  const read = () => {
    if (!isStarted) return
    if (isReading) {
      isReadAgain = true
      return
    }
    isReading = true
    isReadAgain = false
    const { watched } = core
    Promise.all([watched.getRun(runId), watched.getSteps(runId, false).catch(noSteps)]).then(
      ([run, steps]) => {
        error = null
        known = run === null ? 'missing' : { run, steps }
        onAnswer()
      },
      (reason: unknown) => {
        // While the connection itself is down its status says why, and a reset will read again.
        error = obstacleOf(core.status.get()) === null ? toStepwellError(reason) : null
        onAnswer()
      },
    )
  }
  return {
    runId,
    get: () => shown,
    start() {
      isStarted = true
      show()
      read()
    },
    stop() {
      isStarted = false
      cancelFrame(show)
      cancelFrame(unpace)
      isPaced = false
      held = []
      known = 'loading'
      children.forget()
    },
    seed(run) {
      if (known === 'loading' || known === 'missing') known = { run, steps: [] }
      else if (run.version > known.run.version) known = { ...known, run }
      show()
    },
    onEvents(events) {
      if (isReading) held.push(...events)
      else apply(events)
    },
    onChildEvents: children.tell,
    onReset() {
      children.reset()
      read()
    },
    onStatus() {
      if (state().status !== shown.status || shown.status === 'unavailable') show()
    },
  }
}

function noSteps(reason: unknown): readonly Step[] {
  if (isStepwellError(reason, 'not_found')) return []
  throw reason
}
