/**
 * `observeJob`: the core of `useJob`. One observer for each hook: it remembers which run it shows.
 *
 * What it shows, first match: a trigger under way (`pending`), the run it is attached to, an unreachable engine, the
 * search for an active run (`loading`), nothing (`idle`).
 */
import type { ClientCore, UntypedTriggered } from '../client/core.js'
import { createEmitter } from '../client/emitter.js'
import type { RegisteredJobs } from '../client/register.js'
import { outputOf, splitOptions } from '../client/trigger-and-wait.js'
import type { Stepwell, WaitOptions } from '../client/types.js'
import { type StepwellError, toStepwellError } from '../errors.js'
import type { AnyJob, Resolve } from '../infer.js'
import { checkBoolean, checkOptions, checkText } from '../options.js'
import { handled } from './handled.js'
import { noRun } from './run.js'
import { runEntry } from './run-entry.js'
import { createSearch, shownActiveRun } from './search.js'
import type { JobView, ObserveJobOptions, Observer, RunState } from './types.js'
import { IDLE, LOADING, obstacleOf, TRIGGERED, unavailableState } from './view.js'

/** Observes the runs of one job that this observer triggers or finds active. */
export function observeJob<const R extends AnyJob | string, U extends AnyJob = RegisteredJobs>(
  client: Pick<Stepwell, '~core'>,
  job: R,
  options?: ObserveJobOptions,
): Observer<JobView<Resolve<U, R>>>
export function observeJob(
  client: Pick<Stepwell, '~core'>,
  job: AnyJob | string,
  options: ObserveJobOptions = {},
): unknown {
  return createJobObserver(client['~core'], job, checkJobOptions(options))
}

interface CheckedOptions {
  readonly autoResume: boolean
  readonly initialRunId: string | null
}

const RUN_ID_LENGTH_MAX = 200

function checkJobOptions(options: ObserveJobOptions): CheckedOptions {
  const known = ['autoResume', 'initialRunId']
  const { autoResume = true, initialRunId } = checkOptions(options, 'useJob', known)
  const name = 'The option initialRunId of useJob'
  return {
    autoResume: checkBoolean(autoResume, 'The option autoResume of useJob'),
    initialRunId:
      initialRunId === undefined ? null : checkText(initialRunId, name, RUN_ID_LENGTH_MAX),
  }
}

function createJobObserver(
  core: ClientCore,
  job: AnyJob | string,
  { autoResume, initialRunId }: CheckedOptions,
): Observer<JobView> {
  const jobName = typeof job === 'string' ? job : job.name
  const changes = createEmitter<void>()
  let runId = initialRunId ?? (autoResume ? shownActiveRun(core, jobName) : null)
  let listeners = 0
  let detachRun: () => void = () => undefined
  let detach: (() => void)[] = []

  const state = (): RunState => {
    if (triggers.inFlight !== null) return TRIGGERED
    if (runId !== null) return runEntry(core, runId).parts.get()
    const obstacle = obstacleOf(core.status.get()) ?? search.error
    if (obstacle !== null) return unavailableState(obstacle)
    return search.isSettled ? IDLE : LOADING
  }
  const show = () => {
    view = makeView(state())
    changes.emit()
  }
  const attach = (id: string | null) => {
    if (id !== runId) detachRun()
    const isNew = id !== null && id !== runId
    runId = id
    search.settle()
    if (isNew && listeners > 0) detachRun = runEntry(core, id).subscribe(show)
  }
  const onFound = (found: string | null) => {
    attach(found)
    show()
  }
  const search = createSearch(core, jobName, autoResume && runId === null, onFound, () => show())
  const triggers = createTriggers({
    onChange: () => show(),
    onTriggered({ id, run }) {
      runEntry(core, id).parts.seed(run)
      attach(id)
    },
  })
  const act = async (command: 'cancel' | 'retry') => {
    const id = triggers.inFlight === null ? runId : (await triggers.inFlight).id
    return id === null ? noRun() : core[command](id)
  }
  const triggerAndWait = async (input: unknown, options: unknown) => {
    let wait: WaitOptions = {}
    const { id, disposition } = await triggers.begin(async () => {
      const split = splitOptions(options)
      wait = split.wait
      return core.trigger(job, input, split.trigger)
    })
    return { id, disposition, output: outputOf(await core.waitForRun(id, wait)) }
  }
  const functions = {
    trigger: (input: unknown, options: unknown) =>
      handled(triggers.begin(() => core.trigger(job, input, options))),
    triggerAndWait: (input: unknown, options: unknown) => handled(triggerAndWait(input, options)),
    cancel: () => handled(act('cancel')),
    retry: () => handled(act('retry')),
    reset() {
      triggers.forget()
      attach(null)
      detachRun = () => undefined
      show()
    },
  }
  const makeView = (shown: RunState): JobView => ({
    ...shown,
    ...functions,
    runId: triggers.inFlight === null ? runId : null,
    triggerError: triggers.error,
  })
  const server = Object.freeze({ ...makeView(LOADING), runId: initialRunId })
  let view = makeView(state())

  const start = () => {
    const { connection } = core
    connection.connect()
    if (runId !== null) detachRun = runEntry(core, runId).subscribe(show)
    const onStatus = () => {
      if (runId === null) show()
    }
    detach = [connection.onReset(() => search.start()), connection.status.subscribe(onStatus)]
    search.start()
    show()
  }
  return {
    get: () => view,
    getServer: () => server,
    subscribe(listener) {
      const off = changes.on(listener)
      listeners += 1
      if (listeners === 1) start()
      let isOff = false
      return () => {
        if (isOff) return
        isOff = true
        off()
        listeners -= 1
        if (listeners > 0) return
        for (const end of detach) end()
        detachRun()
      }
    },
  }
}

interface Triggers {
  begin(call: () => Promise<UntypedTriggered>): Promise<UntypedTriggered>
  /** What is under way goes on, and is no longer shown. */
  forget(): void
  /** The latest call, until it is answered. */
  readonly inFlight: Promise<UntypedTriggered> | null
  /** Why the latest call failed. */
  readonly error: StepwellError | null
}

/** The latest call wins: an answer to an earlier one is shown only until then, and its failure is not. */
function createTriggers(on: {
  onChange(): void
  onTriggered(triggered: UntypedTriggered): void
}): Triggers {
  let latestCall = 0
  let shownCall = 0
  let inFlight: Promise<UntypedTriggered> | null = null
  let error: StepwellError | null = null
  return {
    async begin(call) {
      latestCall += 1
      const number = latestCall
      error = null
      const promise = call()
      inFlight = promise
      on.onChange()
      try {
        const triggered = await promise
        if (number > shownCall) {
          shownCall = number
          on.onTriggered(triggered)
        }
        return triggered
      } catch (reason) {
        if (inFlight === promise) error = toStepwellError(reason)
        throw reason
      } finally {
        if (inFlight === promise) {
          inFlight = null
          on.onChange()
        }
      }
    },
    forget() {
      shownCall = latestCall
      inFlight = null
      error = null
    },
    get inFlight() {
      return inFlight
    },
    get error() {
      return error
    },
  }
}
