import { stepwell } from '@stepwell/core/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  // Jobs can import heavy libraries inside steps, and the page comes without what runs jobs.
  plugins: [react(), stepwell()],
  // One page, and its charts are half of it.
  build: { chunkSizeWarningLimit: 1000 },
})
