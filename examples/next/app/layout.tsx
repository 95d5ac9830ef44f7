import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import './style.css'

export const metadata: Metadata = {
  title: 'Import contacts, with Stepwell',
  description: 'A Stepwell example: rows of a CSV file go to an API, each once, over reloads.',
  icons: {
    icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path d='M1 2h14v3h-3v3H9v3H6v3H1z' fill='%230f766e'/></svg>",
  },
}

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  )
}
