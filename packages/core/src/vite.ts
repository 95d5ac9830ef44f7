/**
 * `@stepwell/core/vite`: a plugin for Vite. Vite 7 and older need it; Vite 8 works without, and its pages are smaller with
 * it. It runs in Node.
 */

import { hotJobs, type StepwellHotPlugin } from './vite-hot.js'

/** A plugin of Vite, as far as it is used here: this package depends on no version of Vite, not even for its types. */
export interface StepwellPlugin {
  readonly name: string
  /** Before Vite's own resolution. */
  readonly enforce: 'pre'
  readonly config: (
    this: unknown,
    config: StepwellViteConfig,
    env?: { readonly command: string },
  ) => StepwellViteSettings
  readonly resolveId: (
    this: StepwellViteResolver,
    source: string,
    importer: string | undefined,
  ) => Promise<string | null>
}

/** The part of a plugin's context that the plugin uses. */
export interface StepwellViteResolver {
  resolve(
    source: string,
    importer: string | undefined,
    options: { readonly skipSelf: true },
  ): Promise<{ readonly id: string } | null>
}

/** The part of Vite's configuration that the plugin reads. */
export interface StepwellViteConfig {
  readonly worker?: { readonly format?: 'es' | 'iife' | undefined } | undefined
}

/** The part that it writes. */
export interface StepwellViteSettings {
  readonly optimizeDeps: { exclude: string[] }
  readonly worker: { format: 'es' | 'iife' }
}

const EXECUTOR = '@stepwell/core/executor'
/** The first whose dev server finds workers in what it has bundled beforehand. */
const FINDS_WORKERS = 8

/**
 * For the dev server up to Vite 7: keeps `@stepwell/core` out of the dependencies that are bundled beforehand, from where
 * its engine worker would not be found. For all versions: builds workers as ES modules unless told otherwise, so that jobs
 * can import their libraries dynamically. In what is built for pages, `serveJobs` comes without what runs jobs, which
 * takes 15 KB off a page that imports its jobs; Vite builds workers without a page's plugins, so there it is whole.
 * In the dev server an edit of the jobs replaces their worker, where Vite alone reloads the page.
 *
 * `plugins: [stepwell()]`
 */
export function stepwell(): [StepwellPlugin, StepwellHotPlugin] {
  return [smallPages(), hotJobs()]
}

function smallPages(): StepwellPlugin {
  let isBuild = false
  return {
    name: 'stepwell',
    enforce: 'pre',
    config({ worker }, env) {
      isBuild = env?.command === 'build'
      const exclude = viteMajor(this) < FINDS_WORKERS ? ['@stepwell/core'] : []
      return { optimizeDeps: { exclude }, worker: { format: worker?.format ?? 'es' } }
    },
    async resolveId(source, importer) {
      if (!isBuild || source !== EXECUTOR) return null
      const whole = await this.resolve(source, importer, { skipSelf: true })
      return whole?.id.replace(/\bexecutor\.js$/, 'executor-page.js') ?? null
    },
  }
}

/** Of the Vite that calls; 0 for one that does not tell, as none did before 7. */
function viteMajor(context: unknown): number {
  if (typeof context !== 'object' || context === null || !('meta' in context)) return 0
  const { meta } = context
  if (typeof meta !== 'object' || meta === null || !('viteVersion' in meta)) return 0
  return Number.parseInt(String(meta.viteVersion), 10) || 0
}
