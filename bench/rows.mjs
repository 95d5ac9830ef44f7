// What a case tells: rows of figures, and the budgets that hold for them.
import { median } from './statistics.mjs'

/**
 * @typedef {{ samples: number[], notRun: string | null }} Taken
 * @typedef {{ target: string, actual: number, isMet: boolean | null }} Budget `isMet`: null where it was not measured.
 * @typedef {{
 *   label: string, unit: string, stepwell: Taken, durably: Taken, ratio: number, floor: null | { name: string, taken: Taken },
 *   budgets: Budget[], note: string,
 * }} Row
 */

/** In that unit more is better; in all others less is. */
const RATES = new Set(['/s'])

/** @returns {Row} */
export function row(label, unit, figures) {
  const { stepwell, durably, floor = null, budgets = [], note = '' } = figures
  const taken = {
    stepwell: typeof stepwell === 'string' ? missing(stepwell) : stepwell,
    durably: typeof durably === 'string' ? missing(durably) : durably,
  }
  const [ours, theirs] = [middle(taken.stepwell), middle(taken.durably)]
  const ratio = RATES.has(unit) ? ours / theirs : theirs / ours
  return { label, unit, ...taken, ratio, floor, budgets, note }
}

/** A row of which only the floor was measured. @returns {Row} */
export function floorRow(label, unit, taken) {
  const none = missing('')
  return row(label, unit, { stepwell: none, durably: none, floor: { name: '', taken } })
}

/** @param {string} why empty: it is not the question there. @returns {Taken} */
export function missing(why) {
  return { samples: [], notRun: why }
}

/** The figures in samples that have several. */
export function pick({ samples, notRun }, figureOf) {
  return { samples: samples.map(figureOf), notRun }
}

/** Those of several samples in each sample. */
export function flat({ samples, notRun }) {
  return { samples: samples.flat(), notRun }
}

/** NaN where nothing was measured. */
export function middle({ samples }) {
  return samples.length === 0 ? Number.NaN : median(samples)
}

/** @returns {Budget} */
export function atLeast(least, actual, of) {
  return { target: `≥ ${least} ${of}`, actual, isMet: verdict(actual, actual >= least) }
}

/** @returns {Budget} */
export function atMost(most, actual, of) {
  return { target: `≤ ${format(most)} ${of}`, actual, isMet: verdict(actual, actual <= most) }
}

function verdict(actual, isMet) {
  return Number.isNaN(actual) ? null : isMet
}

export function format(value) {
  if (!Number.isFinite(value)) return '—'
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2
  return Number(value.toFixed(digits)).toLocaleString('en')
}

/** The median with its spread, or why there is none. */
export function figure({ samples, notRun }, unit) {
  if (notRun !== null) return notRun === '' ? '' : `not run: ${notRun}`
  if (samples.length === 0) return 'not run'
  if (samples.length === 1) return `${format(samples[0])} ${unit}`
  const spread = `${format(Math.min(...samples))}–${format(Math.max(...samples))}`
  return `${format(median(samples))} ${unit} (${spread})`
}

export function budgetText({ target, actual, isMet }) {
  if (isMet === null) return `${target}: not checked`
  return `${target}: ${format(actual)}, ${isMet ? 'met' : 'NOT met'}`
}
