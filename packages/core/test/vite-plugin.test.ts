import { expect, test } from 'vitest'
import { type StepwellPlugin, stepwell } from '../src/vite.js'

/** As Vite asks, with what it would have found by itself. */
async function resolved(plugin: StepwellPlugin, source: string): Promise<string | null> {
  const found = { id: `/app/node_modules/${source.replace('core/', 'core/dist/')}.js` }
  return plugin.resolveId.call({ resolve: async () => found }, source, '/app/src/jobs.ts')
}

test('what is built for a page comes without what runs jobs', async () => {
  const [plugin] = stepwell()
  plugin.config({}, { command: 'build' })
  expect(await resolved(plugin, '@stepwell/core/executor')).toBe(
    '/app/node_modules/@stepwell/core/dist/executor-page.js',
  )
  expect(await resolved(plugin, '@stepwell/core/testing')).toBeNull()
})

test('the dev server, which serves pages and workers alike, is left alone', async () => {
  const [plugin] = stepwell()
  plugin.config({}, { command: 'serve' })
  expect(await resolved(plugin, '@stepwell/core/executor')).toBeNull()
})

test.each([
  ['8.3.8', []],
  ['7.1.0', ['@stepwell/core']],
  [undefined, ['@stepwell/core']],
])('Vite %s keeps %j out of what it bundles beforehand', (viteVersion, exclude) => {
  const [plugin] = stepwell()
  const config = plugin.config.call({ meta: { viteVersion } }, {})
  expect(config.optimizeDeps).toEqual({ exclude })
})

test('a worker format of the user stays', () => {
  const [plugin] = stepwell()
  expect(plugin.config({ worker: { format: 'iife' } }).worker).toEqual({ format: 'iife' })
  expect(plugin.config({}).worker).toEqual({ format: 'es' })
})

/** As the dev server has it, below `/base/`. */
async function served(editedAt: number, code: string) {
  const [, hot] = stepwell()
  const watched: string[] = []
  const getModuleByUrl = async () => ({ lastHMRTimestamp: editedAt })
  hot.configResolved({ base: '/base/' })
  const addWatchFile = (id: string) => watched.push(id)
  const context = { addWatchFile, environment: { moduleGraph: { getModuleByUrl } } }
  return { made: await hot.transform.call(context, code), watched }
}

const MAKES_WORKER =
  'new Worker(new URL(/* @vite-ignore */ "/base/jobs.ts?worker_file&type=module", \'\' + import.meta.url))'

test('a module that makes a worker depends on what the worker is', async () => {
  const { made, watched } = await served(0, MAKES_WORKER)
  expect(watched).toEqual(['/jobs.ts?worker_file&type=module'])
  expect(made).toBeNull()
})

test('an edit gives the worker another address', async () => {
  const { made } = await served(1_780_000_000_000, MAKES_WORKER)
  expect(made?.code).toBe(MAKES_WORKER.replace('type=module', 'type=module&t=1780000000000'))
})

test('other modules, and other versions of Vite, are left alone', async () => {
  expect(await served(1, 'new URL("./picture.png", import.meta.url)')).toEqual({
    made: null,
    watched: [],
  })
  const [, hot] = stepwell()
  expect(await hot.transform.call({}, MAKES_WORKER)).toBeNull()
})
