/** One run as all components of a page see it. */
import type { ClientCore } from '../client/core.js'
import type { AnyJob } from '../infer.js'
import { createCaches } from './cache.js'
import { handled } from './handled.js'
import type { RunParts } from './run-parts.js'
import type { RunActions, RunState } from './types.js'
import { LOADING, unavailableState } from './view.js'

export const runCache = createCaches<RunState, RunActions<AnyJob>, RunParts>()

export function runEntry(core: ClientCore, runId: string) {
  return runCache(core).entry(runId, () => ({
    early: (obstacle) => (obstacle === null ? LOADING : unavailableState(obstacle)),
    functions: () => runActions(core, runId),
    parts: ({ parts }, changed) => parts.run(runId, changed),
  }))
}

export function runActions(core: ClientCore, runId: string): RunActions<AnyJob> {
  return {
    cancel: () => handled(core.cancel(runId)),
    retry: () => handled(core.retry(runId)),
    retrigger: () => handled(core.retrigger(runId)),
  }
}
