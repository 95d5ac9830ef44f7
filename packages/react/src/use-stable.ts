'use client'
import { isJob } from '@stepwell/core'
import { useState } from 'react'

/** The same object for as long as it says the same: users write a new one in each render. */
export function useStable<T extends object>(options: T): T {
  const [stable, setStable] = useState(options)
  if (isSame(stable, options)) return stable
  setStable(options)
  return options
}

/** Whether two values of options say the same: lists and objects by what is in them, jobs and all else by reference. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime()
  if (!isPlain(a) || !isPlain(b)) return false
  const values = new Map<string, unknown>(Object.entries(b))
  const entries = Object.entries(a)
  return (
    Array.isArray(a) === Array.isArray(b) &&
    entries.length === values.size &&
    entries.every(([key, value]) => values.has(key) && isSame(value, values.get(key)))
  )
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || isJob(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || Array.isArray(value)
}
