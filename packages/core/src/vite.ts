/** `@stepwell/core/vite`: a plugin for Vite. Vite 7 and older need it; Vite 8 works without, and with it too. */

/** A plugin of Vite, as far as it is used here: this package depends on no version of Vite, not even for its types. */
export interface StepwellPlugin {
  readonly name: string
  readonly config: (this: unknown, config: StepwellViteConfig) => StepwellViteConfig
}

/** The part of Vite's configuration that the plugin reads and writes. */
export interface StepwellViteConfig {
  readonly optimizeDeps?: { readonly exclude?: string[] } | undefined
  readonly worker?: { readonly format?: 'es' | 'iife' | undefined } | undefined
}

/** The first whose dev server finds workers in what it has bundled beforehand. */
const FINDS_WORKERS = 8

/**
 * For the dev server up to Vite 7: keeps `@stepwell/core` out of the dependencies that are bundled beforehand, from where
 * its engine worker would not be found. For all versions: builds workers as ES modules unless told otherwise, so that jobs
 * can import their libraries dynamically.
 *
 * `plugins: [stepwell()]`
 */
export function stepwell(): StepwellPlugin {
  return {
    name: 'stepwell',
    config({ worker }) {
      const exclude = viteMajor(this) < FINDS_WORKERS ? ['@stepwell/core'] : []
      return { optimizeDeps: { exclude }, worker: { format: worker?.format ?? 'es' } }
    },
  }
}

/** Of the Vite that calls; 0 for one that does not tell, as none did before 7. */
function viteMajor(context: unknown): number {
  if (typeof context !== 'object' || context === null || !('meta' in context)) return 0
  const { meta } = context
  if (typeof meta !== 'object' || meta === null || !('viteVersion' in meta)) return 0
  return Number.parseInt(String(meta.viteVersion), 10)
}
