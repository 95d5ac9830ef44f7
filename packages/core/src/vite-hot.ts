/**
 * The part of the plugin for Vite's dev server. To Vite nobody imports a worker's module, so it reloads the page when that
 * is edited. Here the module that makes the worker depends on it: it is run again, the client is made again and brings the
 * new jobs, and the worker of the jobs is replaced (`client/shared.ts`).
 */

export interface StepwellHotPlugin {
  readonly name: string
  /** After Vite has rewritten the URLs of workers, and before it looks at imports. */
  readonly enforce: 'post'
  readonly apply: 'serve'
  readonly configResolved: (config: { readonly base: string }) => void
  readonly transform: (this: unknown, code: string) => Promise<{ code: string; map: null } | null>
}

/** What the dev server makes of `new URL('./jobs.ts', import.meta.url)` in a `new Worker`. */
const WORKER_URL = /new URL\(\s*(?:\/\*[^*]*\*\/\s*)?"([^"]+[?&]worker_file&type=\w+)(?=")/g

export function hotJobs(): StepwellHotPlugin {
  let base = '/'
  return {
    name: 'stepwell:hot-jobs',
    enforce: 'post',
    apply: 'serve',
    configResolved(config) {
      base = config.base
    },
    async transform(code) {
      if (!isDevContext(this)) return null
      const edits = new Map<string, number>()
      for (const [, address = ''] of code.matchAll(WORKER_URL)) {
        const url = address.startsWith(base) ? `/${address.slice(base.length)}` : address
        this.addWatchFile(url)
        const module = await this.environment.moduleGraph.getModuleByUrl(url)
        const editedAt = module?.lastHMRTimestamp ?? 0
        if (editedAt > 0) edits.set(address, editedAt)
      }
      if (edits.size === 0) return null
      // Another address: the function that makes the worker gets another text, by which the client knows other code.
      const stamped = code.replaceAll(WORKER_URL, (found, address: string) => {
        const editedAt = edits.get(address)
        return editedAt === undefined ? found : `${found}&t=${editedAt}`
      })
      return { code: stamped, map: null }
    },
  }
}

/** Vite's, as far as it is used here. */
interface DevContext {
  addWatchFile(id: string): void
  readonly environment: {
    readonly moduleGraph: {
      getModuleByUrl(url: string): Promise<{ readonly lastHMRTimestamp: number } | undefined>
    }
  }
}

/** Vite has environments since version 6; before that an edit reloads the page. */
function isDevContext(context: unknown): context is DevContext {
  const graph = field(field(context, 'environment'), 'moduleGraph')
  return typeof field(graph, 'getModuleByUrl') === 'function'
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
