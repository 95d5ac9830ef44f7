/** `step.map`: one step for each item. */
import { StepwellError } from '../errors.js'
import { checkInteger, checkOptions, invalid, shown } from '../options.js'
import type { Step, StepContext } from '../step.js'
import type { CallBody, StepPolicy } from './body.js'
import { attemptCall, type Call, checkName, claimName, openPromise, refuseLate } from './calls.js'
import type { Execution } from './execution.js'
import { checkBody, checkPolicy, openBody, POLICY_OPTIONS } from './step-run.js'

const CONCURRENCY_MAX = 1000

type MapBody<T, V> = (item: T, context: StepContext, index: number) => V | Promise<V>

interface Plan<T, V> {
  readonly name: string
  readonly items: readonly T[]
  readonly body: MapBody<T, V>
  readonly policy: StepPolicy
  readonly concurrency: number
}

export function createMap(execution: Execution, callBody: CallBody): Step['map'] {
  return <T, V>(
    name: string,
    items: readonly T[],
    body: MapBody<T, V>,
    options?: unknown,
  ): Promise<V[]> =>
    attemptCall(() => {
      refuseLate(execution)
      checkName('step.map', name)
      const what = `step.map("${name}")`
      if (!Array.isArray(items)) {
        throw invalid(`${what}: the items must be an array, and are ${shown(items)}.`)
      }
      checkBody(body, `${what}: the third argument`)
      const policy = checkPolicy(options, what, ['concurrency'])
      const concurrency = checkConcurrency(options, what)
      return startMap(execution, callBody, { name, items: [...items], body, policy, concurrency })
    })
}

function checkConcurrency(options: unknown, what: string): number {
  const { concurrency } = checkOptions(options, what, [...POLICY_OPTIONS, 'concurrency'])
  if (concurrency === undefined) return Number.POSITIVE_INFINITY
  return checkInteger(concurrency, `The option concurrency of ${what}`, 1, CONCURRENCY_MAX)
}

function startMap<T, V>(
  execution: Execution,
  callBody: CallBody,
  { name, items, body, policy, concurrency }: Plan<T, V>,
): Promise<V[]> {
  const result = openPromise<V[]>(execution)
  const values: V[] = []
  const calls = new Set<Call<V>>()
  const isWanted = wanted(execution, name, items.length)
  const rest = items.entries()
  let hasMore = true
  let isOver = false

  const fail = (reason: unknown) => {
    if (isOver) return
    isOver = true
    for (const call of calls) drop(call, name)
    result.reject(reason)
  }
  const openItem = (item: T, index: number) => {
    const stepName = `${name}:${index}`
    const call = openBody<V>(execution, callBody, {
      name: claimName(execution, 'step.map', stepName, (claimed) => claimed),
      method: 'step.map',
      body: (context) => body(item, context, index),
      policy,
    })
    calls.add(call)
    call.promise.then((value) => {
      calls.delete(call)
      values[index] = value
      proceed()
    }, fail)
  }
  const proceed = () => {
    try {
      while (!isOver && hasMore && calls.size < concurrency) {
        const next = rest.next()
        if (next.done === true) hasMore = false
        else if (isWanted(next.value[0])) openItem(next.value[1], next.value[0])
      }
    } catch (error) {
      fail(error)
    }
    if (!isOver && !hasMore && calls.size === 0) {
      isOver = true
      result.resolve(values)
    }
  }
  proceed()
  return result.promise
}

/**
 * Which items are called. Where a stored failure ended the map before, only what had an outcome by then: what was dropped
 * must not be run by each replay, to be dropped again.
 */
function wanted(execution: Execution, name: string, count: number): (index: number) => boolean {
  let failedAt = Number.POSITIVE_INFINITY
  const storedOf = (item: number) => execution.memo.get(`${name}:${item}`)?.stored
  for (let item = 0; item < count; item++) {
    const stored = storedOf(item)
    if (stored?.status !== 'failed') continue
    failedAt = Math.min(failedAt, stored.completedIndex ?? failedAt)
  }
  if (failedAt === Number.POSITIVE_INFINITY) return () => true
  return (item) => (storedOf(item)?.completedIndex ?? Number.POSITIVE_INFINITY) <= failedAt
}

function drop<V>(call: Call<V>, map: string): void {
  const { execution, name } = call
  if (!call.drop()) return
  const body = execution.bodies.get(name)
  execution.bodies.delete(name)
  const message = `Step "${name}" was stopped, because another one of step.map("${map}") failed. Nothing of it is stored.`
  body?.abort(new StepwellError('cancelled', message))
  body?.end()
}
