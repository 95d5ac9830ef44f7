'use client'
import { useState } from 'react'

/** The same object for as long as its values are the same: users write a new one in each render. */
export function useStable<T extends object>(options: T): T {
  const [stable, setStable] = useState(options)
  if (stable === options || isSame(stable, options)) return stable
  setStable(options)
  return options
}

function isSame(a: object, b: object): boolean {
  const values = new Map<string, unknown>(Object.entries(b))
  const entries = Object.entries(a)
  return (
    entries.length === values.size &&
    entries.every(([key, value]) => values.has(key) && Object.is(values.get(key), value))
  )
}
