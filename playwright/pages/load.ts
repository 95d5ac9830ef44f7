/**
 * A tab that triggers all the time, for tests in which tabs come and go. What it was told goes to the witness:
 *
 * - `<key>/acked/<run>`: a trigger was acknowledged;
 * - `<key>/told/<run>/<step>`: a step of such a run was committed;
 * - `<key>/led/<epoch>`: this tab leads, with an engine of that epoch.
 */
import { isStepwellError } from '@stepwell/core'
import { witness } from './outside.js'
import type { TestClient } from './window.js'

declare global {
  interface Window {
    load: Load
  }
}

interface Load {
  /** Triggers no more. Resolves when all that is under way has come to an end. */
  stop(): Promise<void>
}

const STEPS = 3

export function startLoad(client: TestClient, key: string): void {
  const own = new Set<string>()
  let isOver = false
  let finish = () => {}
  const over = new Promise<void>((resolve) => {
    finish = resolve
  })
  client.on('step:complete', ({ runId, stepName }) => {
    if (own.has(runId)) void witness(`${key}/told/${runId}/${stepName}`)
  })
  tellLeaderships(client, key)
  const rounds = async () => {
    for (let i = 0; !isOver; i++) {
      try {
        // Every other one with a key: either way a trigger that is sent again makes one run.
        const options = i % 2 === 0 ? {} : { idempotencyKey: crypto.randomUUID() }
        const { id } = await client.trigger('counted', { key, count: STEPS }, options)
        own.add(id)
        await witness(`${key}/acked/${id}`)
        await client.waitForRun(id)
      } catch (error) {
        // Whoever closes the client has to expect that.
        if (client.status.state === 'closed') return
        // Else a page that is left could not tell the witness.
        if (!isStepwellError(error)) continue
        void witness(`${key}/refused/${error.code}: ${error.message}`)
        // A client that is unavailable refuses at once: asked again and again, the page would do nothing else, not answer
        // a test, and never hear that somebody leads.
        await nextTask()
        await Promise.race([works(client), over])
      }
    }
  }
  const ended = rounds()
  window.load = {
    stop() {
      isOver = true
      finish()
      return ended
    },
  }
}

/** Resolves once there is an engine, or the client is closed. */
function works(client: TestClient): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      const { state } = client.status
      if (state !== 'ready' && state !== 'closed') return
      off()
      resolve()
    }
    const off = client.onStatus(look)
    look()
  })
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve))
}

function tellLeaderships(client: TestClient, key: string): void {
  let led = 0
  client.onStatus(({ state, role, epoch }) => {
    if (role !== 'leader' || state !== 'ready' || epoch === null || epoch === led) return
    led = epoch
    void witness(`${key}/led/${epoch}`)
  })
}
