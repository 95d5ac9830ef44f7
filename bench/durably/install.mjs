// Installs what Stepwell is measured beside, where it is not there already. Only the benchmark needs it.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const HERE = import.meta.dirname
const LOCK = path.join(HERE, 'package-lock.json')
/** What was installed, as a copy of the lock file. */
const STAMP = path.join(HERE, 'node_modules/.stepwell-lock')

/** Why there is nothing to measure beside; `null` where there is. */
export function installDurably() {
  const wanted = readFileSync(LOCK, 'utf8')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return null
  console.log('installing bench/durably: npm ci')
  try {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: HERE, stdio: 'pipe' })
  } catch (error) {
    const [line = 'npm ci failed'] =
      String(error.stderr ?? error).match(/npm error (?!code).*/) ?? []
    return `its packages could not be installed (${line})`
  }
  writeFileSync(STAMP, wanted)
  return null
}
