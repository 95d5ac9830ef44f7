/** Jobs that sleep, that wait for signals, and whose waits race. */
import { defineJob, type SignalOptions } from '@stepwell/core'
import { child, double } from './definitions-children.js'
import { describe } from './definitions-values.js'
import { gate, witness } from './outside.js'

export interface Nap {
  readonly key: string
  /** How long. */
  readonly ms?: number
  /** Or until when. */
  readonly until?: number
  /** Whether `until` is given to it as a Date. */
  readonly isDate?: boolean
}

/** Tells the witness each time that its function starts; sleeps between two steps. */
export const sleeper = defineJob({
  name: 'sleeper',
  run: async (step, { key, ms = 0, until, isDate = false }: Nap) => {
    await witness(`${key}/code`)
    await step.run('before', () => witness(`${key}/before`))
    if (until === undefined) await step.sleep('nap', ms)
    else await step.sleepUntil('nap', isDate ? new Date(until) : until)
    await step.run('after', () => witness(`${key}/after`))
    return 'awake'
  },
})

/** Sleeps while a step of it waits at the gate `<key>`; then sleeps alone. */
export const busySleeper = defineJob({
  name: 'busy-sleeper',
  run: async (step, { key, ms }: { readonly key: string; readonly ms: number }) => {
    const body = step.run('body', async () => {
      await witness(`${key}/body`)
      await gate(key)
    })
    await Promise.all([step.sleep('nap', ms), step.sleep('long', '1h'), body])
  },
})

export interface Asked {
  readonly key: string
  readonly options?: SignalOptions
}

/** Asks, waits for an answer, and says what it got. */
export const approval = defineJob({
  name: 'approval',
  run: async (step, { key, options = {} }: Asked) => {
    await witness(`${key}/code`)
    await step.run('ask', () => witness(`${key}/ask`))
    const answer = await step.waitForSignal('approved', options)
    if (!answer.received) return { received: answer.received, reason: answer.reason }
    const value = await step.run('use', () => describe(answer.value))
    return { received: answer.received, value }
  },
})

/** How often the functions of runs were started in this worker. */
const starts = new Map<string, number>()

/** Waits for a signal, and returns its value and how often its function was started. */
export const listening = defineJob({
  name: 'listening',
  run: async (step, _input: object) => {
    starts.set(step.runId, (starts.get(step.runId) ?? 0) + 1)
    const answer = await step.waitForSignal<number>('answer')
    return { value: answer.received ? answer.value : null, starts: starts.get(step.runId) ?? 0 }
  },
})

/** Which of a sleep, a step, a signal and a child ends first. Then it waits at the gate `<key>`. */
export const racing = defineJob({
  name: 'racing',
  run: async (step, { key, ms }: { readonly key: string; readonly ms: number }) => {
    const winner = await Promise.race([
      step.sleep('nap', ms).then(() => 'sleep'),
      step.run('body', () => gate(`${key}-body`)).then(() => 'step'),
      step.waitForSignal('word').then(() => 'signal'),
      step.invoke('kid', child, { key, n: 0, how: 'waits' }).then(() => 'child'),
    ])
    await witness(`${key}/winner/${winner}`)
    await step.run('hold', async () => {
      await witness(`${key}/hold`)
      await gate(key)
    })
    return winner
  },
})

/** In which order a sleep, two steps, a signal and a child end. Then it waits at the gate `<key>`. */
export const ordering = defineJob({
  name: 'ordering',
  run: async (step, { key, ms }: { readonly key: string; readonly ms: number }) => {
    const order: string[] = []
    const note = (name: string) => () => void order.push(name)
    await Promise.all([
      step.sleep('nap', ms).then(note('nap')),
      step.run('one', () => gate(`${key}-one`)).then(note('one')),
      step.run('two', () => gate(`${key}-two`)).then(note('two')),
      step.waitForSignal('word').then(note('word')),
      step.invoke('kid', child, { key, n: 0, how: 'waits' }).then(note('kid')),
    ])
    await witness(`${key}/order/${order.join()}`)
    await step.run('hold', async () => {
      await witness(`${key}/hold`)
      await gate(key)
    })
    return order
  },
})

/** What its function does depends on how often it was started. Then it waits at the gate `<key>`. */
export const changed = defineJob({
  name: 'changed',
  run: async (step, { key, what }: { readonly key: string; readonly what: 'kind' | 'child' }) => {
    const isFirst = (await witness(`${key}/life`)) === 1
    if (what === 'child') {
      if (isFirst) await step.invoke('thing', double, { n: 1 })
      else await step.invoke('thing', child, { key, n: 1 })
    } else if (isFirst) await step.run('thing', () => 1)
    else await step.sleep('thing', 1)
    await step.run('hold', async () => {
      await witness(`${key}/hold`)
      await gate(key)
    })
  },
})
