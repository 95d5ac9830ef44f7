/** The page of most tests: a client in `window.stepwell`, and nothing else. */
import { createStepwell } from '@stepwell/core'
import { jobs } from './jobs.js'
import { startLoad } from './load.js'
import { loseMessages } from './lossy.js'
import { witness } from './outside.js'
import { clientOptions, flag, text } from './query.js'
import { expose } from './window.js'

if (flag('lossy')) loseMessages()
const worker = () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' })
const client = createStepwell({ jobs, ...clientOptions(worker) })
expose(client)

const load = text('load')
if (load !== null) startLoad(client, load)

const acknowledge = text('acknowledge')
if (acknowledge !== null) {
  // What the page was told to be committed is told to the witness: it must not be taken back.
  client.on('step:complete', ({ stepName }) => {
    void witness(`${acknowledge}/ack/${stepName}`)
  })
}
