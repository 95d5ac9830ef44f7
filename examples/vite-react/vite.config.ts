import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  // So that jobs can import heavy libraries inside steps: the default format cannot be split.
  worker: { format: 'es' },
  // One page, and its charts are half of it.
  build: { chunkSizeWarningLimit: 1000 },
})
