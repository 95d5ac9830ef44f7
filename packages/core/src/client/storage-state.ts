/**
 * What the browser says of this origin's storage: its figures, and whether it is persistent. Each tab asks for itself: when
 * it is ready, when work pauses or goes on, and when it becomes visible. Nothing polls.
 */
import { errorText, StepwellError } from '../errors.js'
import type { StepwellStatus } from '../types.js'
import type { StorageMode } from '../wire.js'
import { pageObstacle } from './environment.js'

export interface StorageWatch {
  /** To be told of each change of the status. */
  changed(before: StepwellStatus, after: StepwellStatus): void
  /** Asks the browser never to delete this origin's data by itself. Rejects with `storage_unavailable`. */
  persist(): Promise<boolean>
  stop(): void
}

export function watchStorage(
  mode: StorageMode,
  status: () => StepwellStatus,
  update: (patch: Pick<StepwellStatus, 'quota' | 'storage'>) => void,
): StorageWatch {
  let listening: AbortController | null = null
  let asked = 0
  /** Of the newest question that was answered. */
  let answered = 0

  const ask = async () => {
    asked += 1
    const number = asked
    const [estimate, isPersisted] = await Promise.all([
      navigator.storage.estimate(),
      navigator.storage.persisted(),
    ])
    // An older answer may be the slower one.
    if (number < answered) return
    answered = number
    const { quota: known, storage: before } = status()
    const { usage = 0, quota = 0 } = estimate
    const isSame = known?.usage === usage && known.quota === quota
    const isOpen = before === 'best-effort' || before === 'persistent'
    const storage = isOpen ? (isPersisted ? 'persistent' : 'best-effort') : before
    if (!isSame || storage !== before) update({ quota: isSame ? known : { usage, quota }, storage })
  }
  /** What cannot be asked here stays unknown. */
  const refresh = () => ask().catch(() => undefined)
  const listen = () => {
    listening = new AbortController()
    const { signal } = listening
    const onVisible = () => document.visibilityState === 'visible' && void refresh()
    document.addEventListener('visibilitychange', onVisible, { signal })
  }
  return {
    changed(before, after) {
      if (mode === 'memory' || after.state !== 'ready') return
      const isNew = before.state !== 'ready' || (before.paused === null) !== (after.paused === null)
      if (!isNew) return
      if (listening === null) listen()
      void refresh()
    },
    async persist() {
      const refusal = mode === 'memory' ? nothingToPersist() : pageObstacle(mode)
      if (refusal !== null) throw refusal
      const isGranted = await navigator.storage.persist().catch((reason) => {
        throw notHere(reason)
      })
      await refresh()
      return isGranted
    },
    stop: () => listening?.abort(),
  }
}

function nothingToPersist(): StepwellError {
  return new StepwellError(
    'storage_unavailable',
    "With storage: 'memory' there is nothing to persist. Use storage: 'opfs'.",
  )
}

function notHere(cause: unknown): StepwellError {
  return new StepwellError(
    'storage_unavailable',
    `The browser makes no storage persistent here: ${errorText(cause)}. Open the page by itself, not in a sandboxed frame.`,
    { cause },
  )
}
