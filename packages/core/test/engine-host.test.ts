import { expect, it } from 'vitest'
import { createHost } from '../src/engine-worker/host.js'
import { BUILD_ID, type FromEngineWorker, type OpenEngine } from '../src/wire.js'

const OPEN: OpenEngine = {
  type: 'stepwell:open',
  buildId: BUILD_ID,
  database: 'host',
  durability: 'strict',
  storage: 'opfs',
  expectedExecutors: 1,
  payloadBytesMax: 1024,
  retentionMs: null,
  clientId: 'page',
  jobs: [],
  wasmUrl: null,
  wasOpenedBefore: false,
}

it('says again that it is lost when it is to open, for nobody listened while it was kept ready', () => {
  const said: FromEngineWorker[] = []
  const host = createHost((message) => said.push(message))
  host.crashed(new Error('out of memory'))
  said.length = 0
  host.receive(OPEN)
  expect(said).toEqual([{ type: 'fatal', message: 'out of memory' }])
})
