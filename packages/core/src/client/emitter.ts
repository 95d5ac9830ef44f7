/** Listeners that cannot harm each other, and a value that tells when it changes. */
import type { Observable } from '../connection.js'

export interface Emitter<T> {
  on(listener: (value: T) => void): () => void
  emit(value: T): void
  readonly isEmpty: boolean
}

export function createEmitter<T>(): Emitter<T> {
  // Each subscription is its own object: one function may be subscribed twice.
  const listeners = new Set<{ readonly call: (value: T) => void }>()
  return {
    on(listener) {
      const entry = { call: listener }
      listeners.add(entry)
      return () => {
        listeners.delete(entry)
      }
    },
    emit(value) {
      for (const entry of [...listeners]) {
        if (listeners.has(entry)) guarded(() => entry.call(value))
      }
    },
    get isEmpty() {
      return listeners.size === 0
    },
  }
}

/** What a listener throws is reported like an uncaught error, and stops nobody else. */
export function guarded(call: () => void): void {
  try {
    call()
  } catch (reason) {
    if (typeof globalThis.reportError === 'function') globalThis.reportError(reason)
    else console.error(reason)
  }
}

export interface Cell<T> extends Observable<T> {
  set(value: T): void
}

export function createCell<T>(initial: T): Cell<T> {
  let value = initial
  const changes = createEmitter<void>()
  return {
    get: () => value,
    subscribe: (listener) => changes.on(listener),
    set(next) {
      if (Object.is(value, next)) return
      value = next
      changes.emit()
    },
  }
}
