/** Labels: texts on a run to find it by. */
import { checkCharacters, invalid, shown } from '../options.js'

export type StoredLabels = Record<string, string>

const LABELS_MAX = 32
const VALUE_CHARS_MAX = 256
const KEY = /^[A-Za-z0-9._/-]{1,64}$/

/** The labels that a filter wants. One that is `undefined` is refused: it would find the runs of everybody. */
export function checkLabelsFilter(value: unknown, name: string): StoredLabels {
  const labels = checkLabels(value, name)
  if (Object.keys(labels).length < Object.keys(value ?? {}).length) {
    throw invalid(
      `${name} has a label that is undefined. Leave it out to find runs with and without.`,
    )
  }
  if (value !== undefined && Object.keys(labels).length === 0) {
    throw invalid(`${name} is empty. Leave it out for all.`)
  }
  return labels
}

/** Labels that are `undefined` are left out, as a schema with an optional key makes them. */
export function checkLabels(value: unknown, name: string): StoredLabels {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${name} must be an object of texts, and is ${shown(value)}.`)
  }
  if (value instanceof Map || value instanceof Date) {
    throw invalid(`${name} must be a plain object of texts. Use Object.fromEntries for a Map.`)
  }
  const entries = Object.entries(value).filter(([, text]) => text !== undefined)
  if (entries.length > LABELS_MAX) {
    throw invalid(`${name} may have ${LABELS_MAX} labels, and has ${entries.length}.`)
  }
  return Object.fromEntries(entries.map(([key, text]) => [key, checkLabel(key, text, name)]))
}

function checkLabel(key: string, value: unknown, name: string): string {
  if (!KEY.test(key)) {
    throw invalid(
      `${name} has the key ${shown(key)}. A key is 1 to 64 of the characters A-Z a-z 0-9 - _ . and /.`,
    )
  }
  return checkCharacters(value, `The label ${shown(key)} in ${name}`, VALUE_CHARS_MAX)
}
