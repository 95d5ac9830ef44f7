/** As `index.ts`, with every line tapped, and messages to say on them that no part of Stepwell would say. */
import { createStepwell } from '@stepwell/core'
import { type Door, malformed, type Sample, samplesOf } from '../../packages/core/test/malformed.js'
import { randomOf } from '../../packages/core/test/random.js'
import { jobs } from './jobs.js'
import { clientOptions, flag } from './query.js'
import { tapWorkers } from './taps.js'
import { expose } from './window.js'

interface Flood {
  readonly door: Door
  readonly seed: number
  readonly times: number
  /** Of a tab that is there, and of its leader. */
  readonly clientId: string
  readonly epoch: number
  readonly buildId: string
  /** The name of the channel, where it is one. */
  readonly channel?: string
}

declare global {
  interface Window {
    /** Says so many malformed messages at a door; how many could be said. */
    flood(options: Flood): Promise<number>
    /** Resolves with the first message on a channel that is of that type. */
    overhear(channel: string, type: string): Promise<Record<string, unknown>>
    post(channel: string, messages: readonly unknown[]): void
  }
}

const taps = tapWorkers()
// A page of the origin that has no client, and posts to the channels of those that have one.
if (!flag('stranger')) {
  const worker = () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })
  expose(createStepwell({ jobs, ...clientOptions(worker), context: () => ({ token: 'secret' }) }))
}

window.flood = async ({ door, seed, times, clientId, epoch, buildId, channel }) => {
  const dice = randomOf(seed)
  const samples: readonly Sample[] = samplesOf(clientId, epoch, buildId)[door]
  const line = channel === undefined ? null : new BroadcastChannel(channel)
  const say = line === null ? taps[door] : (message: unknown) => line.postMessage(message)
  if (say === undefined) throw new Error(`nobody stands behind ${door}`)
  let said = 0
  for (let i = 0; i < times; i++) {
    try {
      const message = malformed(dice, samples)
      const ports = portsFor(message)
      say(ports.length === 0 ? message : { ...Object(message), port: ports[0] }, ports)
      said += 1
    } catch (error) {
      // A part of it cannot be cloned: nobody can say that.
      if (!(error instanceof DOMException)) throw error
    }
    // Not more than what is under way needs memory for.
    if (i % 200 === 199) await new Promise((resolve) => setTimeout(resolve))
  }
  line?.close()
  return said
}

/** Where a message would have a port it has one, and something else is wrong with it. A channel carries none. */
function portsFor(message: unknown): MessagePort[] {
  return Object(message).port === null ? [new MessageChannel().port1] : []
}

window.overhear = (name, type) =>
  new Promise((resolve) => {
    const channel = new BroadcastChannel(name)
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (Object(data).type !== type) return
      channel.close()
      resolve(Object(data))
    }
  })

window.post = (name, messages) => {
  const channel = new BroadcastChannel(name)
  for (const message of messages) channel.postMessage(message)
  channel.close()
}
