/** The card of one run. */
import type { RunOf, Step } from '@stepwell/core'
import type { shrink } from './jobs.ts'
import { bytes, find, photos } from './words.ts'

type ShrinkRun = RunOf<typeof shrink>

const FORMATS = { 'image/webp': 'WebP', 'image/jpeg': 'JPEG' }

export interface Card {
  readonly element: HTMLElement
  /** @param steps with their outputs: the pictures that are done. */
  show(run: ShrinkRun, steps: readonly Step[]): void
  remove(): void
}

export function createCard(id: string): Card {
  const template = find(document, '#batch', HTMLTemplateElement)
  const element = find(document.importNode(template.content, true), 'li', HTMLLIElement)
  element.dataset['runId'] = id
  const heading = find(element, 'h3', HTMLElement)
  const badge = find(element, '.badge', HTMLElement)
  const bar = find(element, 'progress', HTMLProgressElement)
  const count = find(element, '.progress-text', HTMLElement)
  const thumbs = find(element, '.thumbs', HTMLElement)
  const message = find(element, '.message', HTMLElement)
  const download = find(element, 'a', HTMLAnchorElement)
  const urls: string[] = []
  const urlOf = (file: Blob) => {
    const url = URL.createObjectURL(file)
    urls.push(url)
    return url
  }

  /** The thumbnails that are not there yet. A step that is done stays as it is. */
  const showPictures = (steps: readonly Step[]) => {
    const pictures = steps.flatMap(pictureOf)
    for (const { name, image } of pictures.slice(thumbs.childElementCount)) {
      const img = new Image()
      img.src = urlOf(image)
      img.alt = name
      img.title = `${name}, ${bytes(image.size)}`
      thumbs.appendChild(document.createElement('li')).append(img)
    }
  }

  const showActions = ({ status, output }: ShrinkRun) => {
    const isActive = status === 'pending' || status === 'running' || status === 'waiting'
    const offered = {
      cancel: isActive,
      retry: status === 'failed' || status === 'cancelled',
      deleteRun: !isActive,
    }
    for (const [action, isOffered] of Object.entries(offered)) {
      find(element, `[data-action=${action}]`, HTMLButtonElement).hidden = !isOffered
    }
    download.hidden = output === undefined
    if (output === undefined || download.download !== '') return
    download.href = urlOf(output.archive)
    download.download = `photos-${id.slice(-6)}.zip`
    download.textContent = `Download ${bytes(output.archive.size)}`
  }

  return {
    element,
    show(run, steps) {
      const total = run.input.photos.length
      const done = run.progress?.current ?? 0
      const name = `${photos(total)}, ${run.input.edge} px ${FORMATS[run.input.type]}`
      heading.textContent = name
      badge.textContent = run.status
      badge.dataset['status'] = run.status
      bar.max = total
      bar.value = done
      bar.setAttribute('aria-label', `Progress of ${name}`)
      count.textContent = `${done} of ${total}`
      message.textContent = messageOf(run)
      message.classList.toggle('problem', run.status === 'failed')
      showPictures(steps)
      showActions(run)
    },
    remove() {
      element.remove()
      for (const url of urls) URL.revokeObjectURL(url)
    },
  }
}

function messageOf(run: ShrinkRun): string {
  switch (run.status) {
    case 'pending':
      return 'It starts when the batch before it is done.'
    case 'completed': {
      const before = run.input.photos.reduce((sum, { size }) => sum + size, 0)
      const { archive, unreadable } = run.output
      const seconds = ((run.completedAt - (run.startedAt ?? run.createdAt)) / 1000).toFixed(1)
      const skipped = unreadable.length === 0 ? '' : ` Not a picture: ${unreadable.join(', ')}.`
      return `${bytes(before)} became ${bytes(archive.size)} in ${seconds} s.${skipped}`
    }
    case 'failed':
      return run.error.message
    case 'cancelled':
      return 'Cancelled. What is done is kept, and it can go on.'
    default:
      return `Begun ${new Date(run.startedAt ?? run.createdAt).toLocaleTimeString()}. Reload, if you like.`
  }
}

/** Outputs of steps are as the job made them: what they are is for the reader to check. */
function pictureOf({ output }: Step): { name: string; image: Blob }[] {
  if (typeof output !== 'object' || output === null) return []
  if (!('image' in output && 'name' in output)) return []
  const { image, name } = output
  return image instanceof Blob && typeof name === 'string' ? [{ image, name }] : []
}
