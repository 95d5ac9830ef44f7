/**
 * `observeJob`: the core of `useJob`. One observer for each hook: it remembers which run it shows.
 *
 * What it shows, first match: a trigger under way (`pending`), the run it is attached to, an unreachable engine, the
 * search for an active run (`loading`), nothing (`idle`). A run that was deleted stays attached and is `missing`: that a
 * user's run is gone is not the same as that there never was one, and `reset` makes it `idle`.
 */
import type { ClientCore } from '../client/core.js'
import { createEmitter } from '../client/emitter.js'
import type { RegisteredJobs } from '../client/register.js'
import { nameOf } from '../client/resolve.js'
import type { Stepwell } from '../client/types.js'
import type { AnyJob, Resolve } from '../infer.js'
import { createFollower } from './follow.js'
import { handled } from './handled.js'
import { type CheckedJobOptions, checkJobOptions, withDefaults } from './job-options.js'
import { createTriggers } from './job-triggers.js'
import { shownActiveRun } from './newest.js'
import { noRun } from './run.js'
import { runEntry } from './run-entry.js'
import { createSearch } from './search.js'
import type { JobObserver, JobView, ObserveJobOptions, RunState } from './types.js'
import { IDLE, LOADING, obstacleOf, TRIGGERED, unavailableState } from './view.js'

/** Observes the runs of one job that this observer triggers, finds active or follows. */
export function observeJob<const R extends AnyJob | string, U extends AnyJob = RegisteredJobs>(
  client: Pick<Stepwell, '~core'>,
  job: R,
  options?: ObserveJobOptions<Resolve<U, R>>,
): JobObserver<Resolve<U, R>>
export function observeJob(
  client: Pick<Stepwell, '~core'>,
  job: AnyJob | string,
  options: object = {},
): unknown {
  return createJobObserver(client['~core'], job, checkJobOptions(options), options)
}

function createJobObserver(
  core: ClientCore,
  job: AnyJob | string,
  { autoResume, followLatest, initialRunId, labels, concurrencyKey }: CheckedJobOptions,
  options: object,
): JobObserver {
  const runs = { jobName: nameOf(job), labels, concurrencyKey }
  const changes = createEmitter<void>()
  let defaults = options
  let runId = initialRunId ?? (autoResume ? shownActiveRun(core, runs) : null)
  let listeners = 0
  let detachRun: () => void = () => undefined
  let detach: (() => void)[] = []

  const state = (): RunState => {
    if (triggers.inFlight !== null) return TRIGGERED
    if (runId !== null) return runEntry(core, runId).get()
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
  /** The newest run that was followed: a trigger of this hook that is older and answered later does not undo it. */
  let followed = ''
  const follower = createFollower(core, runs, (id) => {
    followed = id
    attach(id)
    show()
  })
  const search = createSearch(
    core,
    runs,
    autoResume && runId === null,
    (found) => {
      attach(found)
      if (found !== null) follower.shown(found)
      show()
    },
    () => show(),
  )
  const triggers = createTriggers({
    onChange: () => show(),
    onTriggered({ id, run, disposition }) {
      runEntry(core, id).parts?.seed(run)
      if (disposition === 'created' && id < followed) return
      attach(id)
      follower.shown(id)
    },
  })
  const shownId = async () => (triggers.inFlight === null ? runId : (await triggers.inFlight).id)
  const act = async (command: 'cancel' | 'retry') => {
    const id = await shownId()
    return id === null ? noRun() : core[command](id)
  }
  const retrigger = () => {
    const shown = triggers.inFlight ?? (runId === null ? null : { id: runId })
    if (shown === null) return noRun()
    return triggers.begin(async () => core.retrigger((await shown).id))
  }
  const triggerAndWait = async (input: unknown, call: unknown) => {
    const begun = core.beginAndWait(job, input, withDefaults(defaults, call))
    await triggers.begin(async () => (await begun).triggered)
    return (await begun).output()
  }
  const functions = {
    trigger: (input: unknown, call: unknown) =>
      handled(triggers.begin(() => core.trigger(job, input, withDefaults(defaults, call)))),
    triggerAndWait: (input: unknown, call: unknown) => handled(triggerAndWait(input, call)),
    cancel: () => handled(act('cancel')),
    retry: () => handled(act('retry')),
    retrigger: () => handled(retrigger()),
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
    detach = [connection.onReset(() => search.start()), core.status.subscribe(onStatus)]
    if (followLatest) detach.push(follower.start())
    search.start()
    show()
  }
  return {
    get: () => view,
    getServer: () => server,
    setDefaults(next) {
      defaults = next
    },
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
