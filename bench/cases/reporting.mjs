// What runs say while they are at work: log lines and progress.
import { atLeast, atMost, middle, pick, row } from '../rows.mjs'
import { longestTask } from '../trace.mjs'

const LINES = 10_000
const DURABLY_LINES = 100
const CALLS = 1_000
const DURABLY_CALLS = 100
const FRAME_MS = 16

async function logs(lab) {
  const lines = lab.size(LINES, 500)
  const theirLines = lab.size(DURABLY_LINES, 20)
  const place = { database: 'logs' }
  const theirs = { database: 'logs', keeps: true }
  const taken = await lab.inPage(async ({ page, call }) => {
    const ours = () => call('stepwell', 'logLines', place, lines)
    const other = () => call('durably', 'logLines', theirs, theirLines)
    const rates = await lab.interleave({ stepwell: ours, durably: other })
    const tasks = await lab.interleave(
      {
        stepwell: () => longestTask(lab, page, ours),
        durably: () => longestTask(lab, page, other),
      },
      { unmeasured: 0 },
    )
    return { rates, tasks }
  })
  const { rates, tasks } = taken
  const rate = (name) => pick(rates[name], ([perSecond]) => perSecond)
  const lost = (name, wanted) => pick(rates[name], ([, stored]) => wanted - stored)
  const times = middle(rate('stepwell')) / middle(rate('durably'))
  return [
    row('stored', '/s', {
      stepwell: rate('stepwell'),
      durably: rate('durably'),
      budgets: [atLeast(500, times, '× durably')],
    }),
    row('lost', 'lines', {
      stepwell: lost('stepwell', lines),
      durably: lost('durably', theirLines),
      budgets: [atMost(0, middle(lost('stepwell', lines)), 'lines')],
    }),
    row('longest task of the page’s main thread', 'ms', {
      ...tasks,
      budgets: [atMost(FRAME_MS, Math.max(...tasks.stepwell.samples), 'ms, the longest of all')],
    }),
  ]
}

async function commits(lab) {
  const taken = await lab.inPage(({ call }) =>
    lab.interleave({
      stepwell: () => call('stepwell', 'commits', { database: 'react' }, lab.size(CALLS, 100)),
      durably: () => call('durably', 'commits', { database: 'react' }, lab.size(DURABLY_CALLS, 20)),
    }),
  )
  const per = (name, count) => pick(taken[name], ({ commits }) => (commits * CALLS) / count)
  const most = (name) => pick(taken[name], ({ mostOfAFrame }) => mostOfAFrame)
  return [
    row(`commits, of ${CALLS} calls`, 'commits', {
      stepwell: per('stepwell', lab.size(CALLS, 100)),
      durably: per('durably', lab.size(DURABLY_CALLS, 20)),
    }),
    row('the most in one frame', 'commits', {
      stepwell: most('stepwell'),
      durably: most('durably'),
      budgets: [
        atMost(2, Math.max(...most('stepwell').samples), 'commits a frame, the most of all'),
      ],
    }),
  ]
}

export const cases = [
  {
    id: 'logs',
    title: 'Log lines in one step',
    about:
      `${LINES.toLocaleString('en')} lines (durably, with its \`withLogPersistence()\`, ${DURABLY_LINES}), from the trigger until ` +
      'the last is stored; afterwards they are counted. The longest task: by a trace of the browser, in samples of their own, ' +
      'and nobody listens to the lines.',
    take: logs,
  },
  {
    id: 'commits',
    title: 'React commits while a job says how far it is',
    about:
      `${CALLS.toLocaleString('en')} calls of \`step.progress\` (durably ${DURABLY_CALLS}, and as many times more commits), each in ` +
      'a task of its own, and a component that shows it by `useRun` (durably `useJobRun`).',
    take: commits,
  },
]
