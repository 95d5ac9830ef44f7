import { afterEach, expect, test, vi } from 'vitest'
import { initialStatus } from '../src/client/initial-status.js'
import { watchStorage } from '../src/client/storage-state.js'
import type { StepwellStatus } from '../src/types.js'
import { settled } from './fake-channels.js'

afterEach(() => vi.unstubAllGlobals())

test('an older answer that is the slower one does not undo a newer one', async () => {
  const answers: ((isPersisted: boolean) => void)[] = []
  const storage = {
    estimate: () => Promise.resolve({ usage: 1, quota: 2 }),
    persisted: () => new Promise<boolean>((resolve) => answers.push(resolve)),
  }
  vi.stubGlobal('navigator', { storage })
  vi.stubGlobal('document', { addEventListener: () => undefined })
  const connecting = initialStatus('strict')
  let status: StepwellStatus = { ...connecting, state: 'ready', storage: 'best-effort' }
  const watch = watchStorage(
    'opfs',
    () => status,
    (patch) => {
      status = { ...status, ...patch }
    },
  )
  watch.changed(connecting, status)
  watch.changed(connecting, status)
  const [first, second] = answers
  second?.(true)
  await settled()
  expect(status).toMatchObject({ storage: 'persistent', quota: { usage: 1, quota: 2 } })
  first?.(false)
  await settled()
  expect(status.storage).toBe('persistent')
})
