import { StepwellProvider, useJob, useStepwellStatus } from '@stepwell/react'
import { createElement as h } from 'react'
import { edit } from './jobs.js'
import { client } from './stepwell.js'

export function App() {
  return h(StepwellProvider, { client }, h(Panel))
}

function Panel() {
  const job = useJob(edit)
  const { state, epoch } = useStepwellStatus()
  const start = () => {
    const query = new URLSearchParams(location.search)
    void job.trigger({ server: query.get('server'), key: query.get('key') })
  }
  return h(
    'div',
    null,
    h(
      'button',
      { type: 'button', disabled: job.isLoading || job.isActive, onClick: start },
      'Start',
    ),
    h('output', null, job.status === 'completed' ? job.output : job.status),
    h('p', null, `engine ${state}, epoch ${epoch}`),
    h('p', null, `recoveries ${job.run?.recoveries ?? 'of no run'}`),
  )
}
