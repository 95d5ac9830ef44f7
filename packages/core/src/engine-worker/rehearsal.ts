/**
 * What a take-over does, gone through once in memory by a worker that is kept ready: a browser compiles a function of the
 * wasm when it is first called, and that is most of what an opening costs.
 */
import type { Input } from '../generated/protocol.js'
import { BUILD_ID } from '../wire.js'
import { type EngineRequest, openEngine } from './instance.js'

const REQUEST: EngineRequest = {
  buildId: BUILD_ID,
  database: 'rehearsal',
  durability: 'strict',
  storage: 'memory',
  expectedExecutors: 1,
  payloadBytesMax: 1024,
  retentionMs: null,
}

/** An executor comes, and a run is claimed for it. */
const INPUTS: readonly Input[] = [
  {
    type: 'executor',
    executorId: 'rehearsal',
    envelope: {
      seq: 0,
      message: {
        type: 'hello',
        buildId: BUILD_ID,
        jobs: [{ name: 'rehearsal', concurrency: undefined, needsNetwork: false }],
        slots: 1,
        holding: [],
      },
    },
  },
  {
    type: 'client',
    clientId: 'rehearsal',
    request: {
      requestId: 'rehearsal',
      command: {
        type: 'trigger',
        run: {
          jobName: 'rehearsal',
          input: 'null',
          blobs: [],
          maxRecoveries: undefined,
          idempotencyKey: undefined,
          concurrencyKey: undefined,
          coalesce: false,
          labels: {},
          priority: undefined,
          retry: undefined,
          timeoutMs: undefined,
          startAt: undefined,
          delayMs: undefined,
        },
      },
    },
  },
  { type: 'release' },
]

/** The wasm must be loaded. */
export async function rehearse(): Promise<void> {
  const engine = await openEngine(REQUEST, () => undefined)
  engine.takeInitialOutput()
  for (const input of INPUTS) engine.handle([input])
  engine.close()
}
