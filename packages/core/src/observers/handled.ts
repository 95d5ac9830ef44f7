/** Promises for event handlers: nobody has to catch them, and whoever awaits them still sees the rejection. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}
