/**
 * The entry of the executor for pages: they load it by `import()`, and only where jobs run in the page. No module may
 * import it statically, so that a bundler can make a file of its own of it.
 */
export { startExecutor } from './runtime.js'
