import type { ReactNode } from 'react'

interface Props {
  name: string
  /** A class of the name, such as the colour that stands for it in a chart. */
  className?: string
  children: ReactNode
}

/** One line of a `<dl className="facts">`. */
export function Fact({ name, className, children }: Props) {
  return (
    <div>
      <dt className={className}>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
