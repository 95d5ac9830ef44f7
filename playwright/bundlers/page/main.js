// No JSX: each bundler does with it what it does without any setting.
import { StepwellProvider, useJob, useStepwellStatus } from '@stepwell/react'
import { createElement as h, StrictMode, version } from 'react'
import { createRoot } from 'react-dom/client'
import { add } from './jobs.js'
import { client } from './stepwell.js'

function App() {
  const job = useJob(add)
  const { state, storage, error } = useStepwellStatus()
  const start = () => {
    const query = new URLSearchParams(location.search)
    void job.trigger({ numbers: [1, 2, 39], server: query.get('server'), key: query.get('key') })
  }
  return h(
    'div',
    null,
    h('h1', null, `React ${version}`),
    h('button', { type: 'button', disabled: job.isLoading || job.isActive, onClick: start }, 'Add'),
    h('output', null, job.status === 'completed' ? `sum ${job.output.sum}` : job.status),
    h('p', null, `steps ${job.progress?.current ?? 0}`),
    h('p', null, `engine ${state}, storage ${storage}`),
    error === null ? null : h('p', { role: 'alert' }, `${error.code}: ${error.message}`),
  )
}

createRoot(document.getElementById('root')).render(
  h(StrictMode, null, h(StepwellProvider, { client }, h(App))),
)
