import source from '../jobs.ts?raw'

/** The very lines that run: the module's own text, between two marks. */
const codeOf = (region: string): string =>
  source.split(`// #region ${region}\n`)[1]?.split('\n// #endregion')[0] ?? source

interface Props {
  job?: 'flights' | 'bulletin'
  isFolded?: boolean
}

export function JobCode({ job = 'flights', isFolded = false }: Props) {
  const code = (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls on a narrow screen, and must do so by keyboard, too
    <section className="code" tabIndex={0} aria-label="Source of the job">
      <pre>
        <code>{codeOf(job)}</code>
      </pre>
    </section>
  )
  if (isFolded) {
    return (
      <details className="card">
        <summary>
          <h2>The job’s code</h2>
        </summary>
        {code}
      </details>
    )
  }
  return (
    <section className="card" aria-labelledby="code-title">
      <div className="card-head">
        <h2 id="code-title">The job</h2>
        <p className="aside">
          All of it, from <code>src/jobs.ts</code>
        </p>
      </div>
      {code}
    </section>
  )
}
