/** What can be called of one who is measured. Arguments and results are plain data: they come from the driver. */
export interface Part {
  readonly calls: Readonly<Record<string, (...args: never[]) => unknown>>
}
