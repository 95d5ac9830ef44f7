import type { ComponentProps } from 'react'

interface Props extends Omit<ComponentProps<'button'>, 'type'> {
  isBusy: boolean
}

/** Does nothing while its work is under way, and keeps the focus then: a disabled button would lose it. */
export function ActionButton({ isBusy, onClick, ...rest }: Props) {
  return (
    <button type="button" aria-disabled={isBusy} onClick={isBusy ? undefined : onClick} {...rest} />
  )
}
