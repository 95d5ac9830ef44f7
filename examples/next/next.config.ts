import type { NextConfig } from 'next'

const config: NextConfig = {
  reactStrictMode: true,
  // Inside of this repository: its lock file is not this app's.
  turbopack: { root: import.meta.dirname },
}

export default config
