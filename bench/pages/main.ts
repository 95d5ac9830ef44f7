/**
 * The one page of the benchmark. Whoever is measured is a part that is loaded when the driver first calls it, so that
 * none is beside another one that it does not know of.
 *
 * `?start=["part","name",…arguments]` calls at once, as an app that starts does.
 */
import type { Part } from './part.js'

const parts: Readonly<Record<string, () => Promise<Part>>> = {
  floors: () => import('./floors/index.js'),
  stepwell: () => import('./stepwell/index.js'),
  tab: () => import('./stepwell/tab.js'),
  durably: () => import('virtual:durably'),
}

async function call(part: string, name: string, ...args: unknown[]): Promise<unknown> {
  const { calls } = (await parts[part]?.()) ?? {}
  const called = calls?.[name]
  if (called === undefined) throw new Error(`${part} has no ${name}`)
  return Reflect.apply(called, undefined, args)
}

const start = new URLSearchParams(location.search).get('start')
const bench = {
  call,
  /** What the call of the address returned. */
  started: start === null ? null : Reflect.apply(call, undefined, JSON.parse(start)),
}

declare global {
  interface Window {
    bench: typeof bench
  }
}

window.bench = bench
