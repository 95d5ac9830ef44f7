import { expect, test } from 'vitest'
import { type StepwellPlugin, stepwell } from '../src/vite.js'

/** As Vite asks, with what it would have found by itself. */
async function resolved(plugin: StepwellPlugin, source: string): Promise<string | null> {
  const found = { id: `/app/node_modules/${source.replace('core/', 'core/dist/')}.js` }
  return plugin.resolveId.call({ resolve: async () => found }, source, '/app/src/jobs.ts')
}

test('what is built for a page comes without what runs jobs', async () => {
  const plugin = stepwell()
  plugin.config({}, { command: 'build' })
  expect(await resolved(plugin, '@stepwell/core/executor')).toBe(
    '/app/node_modules/@stepwell/core/dist/executor-page.js',
  )
  expect(await resolved(plugin, '@stepwell/core/testing')).toBeNull()
})

test('the dev server, which serves pages and workers alike, is left alone', async () => {
  const plugin = stepwell()
  plugin.config({}, { command: 'serve' })
  expect(await resolved(plugin, '@stepwell/core/executor')).toBeNull()
})

test.each([
  ['8.3.8', []],
  ['7.1.0', ['@stepwell/core']],
  [undefined, ['@stepwell/core']],
])('Vite %s keeps %j out of what it bundles beforehand', (viteVersion, exclude) => {
  const config = stepwell().config.call({ meta: { viteVersion } }, {})
  expect(config.optimizeDeps).toEqual({ exclude })
})

test('a worker format of the user stays', () => {
  expect(stepwell().config({ worker: { format: 'iife' } }).worker).toEqual({ format: 'iife' })
  expect(stepwell().config({}).worker).toEqual({ format: 'es' })
})
