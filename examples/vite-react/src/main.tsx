import { StepwellProvider } from '@stepwell/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App.tsx'
import { stepwell } from './stepwell.ts'
import './style.css'
import './panels.css'
import './runs.css'
import './run.css'
import './waiting.css'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element with the id "root".')

createRoot(root).render(
  <StrictMode>
    <StepwellProvider client={stepwell}>
      <App />
    </StepwellProvider>
  </StrictMode>,
)
