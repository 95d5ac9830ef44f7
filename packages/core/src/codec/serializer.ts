/** The option `serializer`, of `createStepwell` and of `serveJobs`. */
import { checkFunction, checkText, invalid, shown } from '../options.js'
import type { Serializer } from './codec.js'

const NAME_CHARS_MAX = 64

export function checkSerializer(value: unknown, name: string): Serializer | undefined {
  if (value === undefined) return undefined
  // superjson is a class, with static methods.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
    throw invalid(`${name} must be an object with stringify and parse, and is ${shown(value)}.`)
  }
  checkFunction(Reflect.get(value, 'stringify'), `${name}: stringify`)
  checkFunction(Reflect.get(value, 'parse'), `${name}: parse`)
  // A class has a name by itself, which minifiers change.
  const own: unknown = typeof value === 'function' ? undefined : Reflect.get(value, 'name')
  if (own !== undefined) checkText(own, `${name}: name`, NAME_CHARS_MAX)
  return isSerializer(value) ? value : undefined
}

/** What the functions take and return is on trust until they are called. */
function isSerializer(value: object): value is Serializer {
  return 'stringify' in value && 'parse' in value
}
