import { expect, test } from 'vitest'
import { isNewerBuild } from '../src/builds.js'
import type { FollowerFacts, Followers } from '../src/engine-worker/followers.js'
import { createHandOver } from '../src/engine-worker/hand-over.js'
import type { EngineStatus } from '../src/generated/protocol.js'

function leading(followers: Readonly<Record<string, Partial<FollowerFacts>>>) {
  const state = { activeRuns: 0 }
  const given: string[] = []
  const find: Followers['find'] = (matches) => {
    const facts = { jobs: [], isVisible: false }
    const found = Object.entries(followers).find(([, own]) => matches({ ...facts, ...own }))
    return found?.[0] ?? null
  }
  const handOver = createHandOver({
    followers: { find },
    activeRuns: () => state.activeRuns,
    handOver: (to) => given.push(to),
  })
  handOver.setJobs(['mine'])
  const unserved = (...unservedJobs: string[]) => {
    const status: EngineStatus = {
      epoch: 1,
      paused: undefined,
      unservedJobs,
      counters: { batches: 0, commits: 0, steps: 0, leases: 0 },
    }
    handOver.setStatus(status)
    handOver.consider()
  }
  return { ...handOver, state, given, unserved }
}

test('a job that only another tab has is handed to it, once nothing runs', () => {
  const { state, given, unserved, consider } = leading({
    a: { jobs: ['else'] },
    b: { jobs: ['else', 'theirs'] },
    c: { jobs: ['theirs'] },
  })
  unserved()
  expect(given).toEqual([])
  state.activeRuns = 1
  unserved('theirs')
  expect(given).toEqual([])
  state.activeRuns = 0
  consider()
  consider()
  expect(given).toEqual(['b'])
})

test('nobody is handed what nobody has', () => {
  const { given, unserved } = leading({ a: { jobs: ['else'] } })
  unserved('theirs')
  expect(given).toEqual([])
})

test('a job that this code has, and its worker does not serve, would be no better off elsewhere', () => {
  const { given, unserved, setJobs, consider } = leading({ a: { jobs: ['mine', 'new'] } })
  unserved('mine')
  expect(given).toEqual([])
  // Hot reload.
  setJobs(['new'])
  consider()
  expect(given).toEqual(['a'])
})

test('a page that is no good place yields to a visible one, unless something runs', () => {
  const { state, given, yieldToVisible } = leading({ a: {}, b: { isVisible: true } })
  state.activeRuns = 1
  yieldToVisible()
  expect(given).toEqual([])
  state.activeRuns = 0
  yieldToVisible()
  expect(given).toEqual(['b'])
  const hidden = leading({ a: {} })
  hidden.yieldToVisible()
  expect(hidden.given).toEqual([])
})

test.each([
  ['0.1.0/4', '0.1.0/3', true],
  ['0.1.0/3', '0.1.0/4', false],
  ['0.1.0/4', '0.1.0/4', false],
  ['0.2.0/4', '0.10.0/4', false],
  ['0.10.0/4', '0.2.0/4', true],
  ['1.0.0/4', '0.9.9/4', true],
  ['9.9.9/3', '0.1.0/4', false],
  ['0.1.1/4', '0.1.0/4', true],
  ['nonsense', '0.1.0/4', false],
  ['0.1.0/4', 'nonsense', true],
])('%s is newer than %s: %s', (buildId, than, isNewer) => {
  expect(isNewerBuild(buildId, than)).toBe(isNewer)
})
