/** What the demo adds to a batch for show: its start goes on record, it takes its time, and it fails when told to. */
import { recordStart } from './evidence.ts'

const SLOW_MOTION_MS = 50

/** A new one for each worker: so it shows which of them did a batch. */
const worker = crypto.randomUUID()

export async function witness(
  step: { readonly runId: string; readonly attempt: number },
  batch: number,
  signal: AbortSignal,
): Promise<void> {
  const { runId, attempt } = step
  const controls = await recordStart({ runId, batch, attempt, worker, at: Date.now() })
  if (controls.slowMotion) await pause(SLOW_MOTION_MS, signal)
  if (controls.failNext) {
    throw new Error(`Batch ${batch} failed, as you asked. Retry: it works at the second attempt.`)
  }
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const timer = setTimeout(done, ms)
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      if (signal.aborted) reject(signal.reason)
      else resolve()
    }
    signal.addEventListener('abort', done)
  })
}
