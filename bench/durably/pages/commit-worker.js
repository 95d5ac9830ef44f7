/**
 * Answers each question after one commit: a step's row inserted, its run's row updated, as Stepwell's are. SQLite is the
 * official build with its pool of synchronous access handles, in WAL mode with `synchronous=FULL`. Runs in a worker.
 */
import initSqlite from '@sqlite.org/sqlite-wasm'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS runs (
    id TEXT NOT NULL PRIMARY KEY, job_name TEXT NOT NULL, status TEXT NOT NULL, lease_generation INTEGER NOT NULL,
    version INTEGER NOT NULL, step_count INTEGER NOT NULL, next_index INTEGER NOT NULL, updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS steps (
    run_id TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL, completed_index INTEGER,
    attempt INTEGER NOT NULL, started_at INTEGER NOT NULL, completed_at INTEGER, output ANY,
    PRIMARY KEY (run_id, name)
  ) STRICT, WITHOUT ROWID;
`

async function open() {
  const sqlite = await initSqlite()
  const pool = await sqlite.installOpfsSAHPoolVfs({ name: 'floor', directory: '/floor' })
  const database = new pool.OpfsSAHPoolDb('/floor.sqlite3')
  // Exclusive first: in the other order it stays with a rollback journal.
  database.exec('PRAGMA locking_mode = EXCLUSIVE')
  const mode = database.selectValue('PRAGMA journal_mode = WAL')
  if (mode !== 'wal') throw new Error(`the floor's journal is ${mode}`)
  database.exec('PRAGMA synchronous = FULL')
  database.exec(SCHEMA)
  return database
}

function begin(database) {
  const run = crypto.randomUUID()
  database.exec({
    sql: "INSERT INTO runs VALUES (?, 'steps', 'running', 1, 1, 0, 0, ?)",
    bind: [run, Date.now()],
  })
  const statements = {
    begin: database.prepare('BEGIN IMMEDIATE'),
    step: database.prepare(
      "INSERT INTO steps SELECT id, ?2, 'run', 'completed', next_index, 1, ?3, ?3, ?4 FROM runs \
       WHERE id = ?1 AND lease_generation = 1 AND status = 'running'",
    ),
    run: database.prepare(
      "UPDATE runs SET step_count = step_count + 1, next_index = next_index + 1, version = version + 1, updated_at = ?2 \
       WHERE id = ?1 AND lease_generation = 1 AND status = 'running'",
    ),
    commit: database.prepare('COMMIT'),
  }
  return ({ name, index, output }) => {
    const now = Date.now()
    statements.begin.stepReset()
    statements.step.bind([run, `${name}-${index}`, now, output]).stepReset()
    statements.run.bind([run, now]).stepReset()
    statements.commit.stepReset()
  }
}

addEventListener('message', async ({ data: { port } }) => {
  const store = begin(await open())
  port.onmessage = ({ data: question }) => {
    store(question)
    port.postMessage(question)
  }
  postMessage('ready')
})
