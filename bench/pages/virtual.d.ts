/** `bench/durably/pages`, or a part without calls where its packages are not installed. */
declare module 'virtual:durably' {
  export const calls: import('./part.js').Part['calls']
  /** Makes the worker of the floor that commits: its SQLite is among those packages. */
  export const answerer: (() => Worker) | undefined
}
