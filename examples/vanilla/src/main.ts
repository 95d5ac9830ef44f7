/** The page: what a visitor gives becomes a run, and every run has a card that follows it, whichever tab began it. */
import { isStepwellError } from '@stepwell/core'
import { type Card, createCard } from './batch.ts'
import { shrink } from './jobs.ts'
import { samplePictures } from './samples.ts'
import { showStatus } from './status.ts'
import { stepwell } from './stepwell.ts'
import './style.css'
import { find } from './words.ts'

const SAMPLES = 12
const SHOWN = 20

const form = find(document, '#order', HTMLFormElement)
const input = find(form, 'input', HTMLInputElement)
const drop = find(form, '#drop', HTMLElement)
const samples = find(form, '#samples', HTMLButtonElement)
const problem = find(form, '#problem', HTMLElement)
const list = find(document, '#batches', HTMLElement)
const empty = find(document, '#empty', HTMLElement)
const cards = new Map<string, Card>()

// Visitors.

input.addEventListener('change', () => attempt(() => order([...(input.files ?? [])])))
samples.addEventListener('click', () => attempt(async () => order(await samplePictures(SAMPLES))))

drop.addEventListener('dragover', (event) => event.preventDefault())
drop.addEventListener('drop', (event) => {
  event.preventDefault()
  attempt(() => order([...(event.dataTransfer?.files ?? [])]))
})

list.addEventListener('click', ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return
  const id = target.closest('li')?.dataset['runId'] ?? ''
  const { action } = target.dataset
  if (action === 'cancel' || action === 'retry' || action === 'deleteRun') {
    attempt(() => stepwell[action](id))
  }
})

/** Once it resolves the photos are stored: the page may go. */
async function order(photos: readonly File[]): Promise<void> {
  if (photos.length === 0) return
  const settings = new FormData(form)
  const type = settings.get('type') === 'image/jpeg' ? 'image/jpeg' : 'image/webp'
  await stepwell.trigger(shrink, { photos, edge: Number(settings.get('edge')), type })
  input.value = ''
}

async function attempt(act: () => Promise<unknown>): Promise<void> {
  problem.hidden = true
  samples.disabled = true
  try {
    await act()
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error)
    problem.hidden = false
  }
  samples.disabled = false
}

// Runs.

/** From the run as it is to its end; `run:retry` begins again. */
async function follow(id: string, card: Card): Promise<void> {
  try {
    for await (const _update of stepwell.subscribe(id)) {
      const [run, steps] = await Promise.all([
        stepwell.getRun<typeof shrink>(id),
        stepwell.getSteps(id, { outputs: true }),
      ])
      if (run !== null) card.show(run, steps)
    }
  } catch (error) {
    if (isStepwellError(error) && error.code === 'not_found') forget(id)
    else throw error
  }
}

function add(id: string, place: 'prepend' | 'append'): void {
  if (cards.has(id)) return
  const card = createCard(id)
  cards.set(id, card)
  list[place](card.element)
  empty.hidden = true
  void follow(id, card)
}

function forget(id: string): void {
  cards.get(id)?.remove()
  cards.delete(id)
  empty.hidden = cards.size > 0
}

stepwell.on('run:trigger', ({ runId }) => add(runId, 'prepend'))
stepwell.on('run:delete', ({ runId }) => forget(runId))
stepwell.on('run:retry', ({ runId }) => {
  const card = cards.get(runId)
  if (card) void follow(runId, card)
})

/** At the start, and whenever another tab takes over: what it was told meanwhile was told to nobody here. */
async function readRuns(): Promise<void> {
  const { runs } = await stepwell.getRuns({ job: shrink, limit: SHOWN })
  const known = cards.size > 0
  for (const { id } of known ? runs.toReversed() : runs) add(id, known ? 'prepend' : 'append')
  empty.hidden = cards.size > 0
}

let epoch: number | null = null
showStatus(stepwell.status)
stepwell.onStatus((status) => {
  showStatus(status)
  if (status.epoch === null || status.epoch === epoch) return
  epoch = status.epoch
  void readRuns()
})
