/** Two builds of this package may be open in two tabs: which one is to be reloaded? (`BUILD_ID` is in `wire.ts`.) */

/** Whether a build is newer than another: by its protocol first, which the database's schema follows. */
export function isNewerBuild(buildId: string, than: string): boolean {
  const [left, right] = [numbersOf(buildId), numbersOf(than)]
  const at = left.findIndex((number, i) => number !== right[i])
  return at >= 0 && (left[at] ?? 0) > (right[at] ?? 0)
}

/** Protocol, major, minor, patch; 0 where it says none. */
function numbersOf(buildId: string): number[] {
  const [version = '', protocol = ''] = buildId.split('/')
  const [major = '', minor = '', patch = ''] = version.split('.')
  return [protocol, major, minor, patch].map((part) => Number.parseInt(part, 10) || 0)
}
