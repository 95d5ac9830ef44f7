/** Assertions about types. Nothing here runs: the compiler is the test. */
type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only where the two types are the same, `any` being the same as nothing else. */
export declare function same<A, B>(
  ...no: Equal<A, B> extends true ? [] : ['these types differ', A, B]
): void

// The assertion itself.
same<string, string>()
// @ts-expect-error different
same<string, number>()
// @ts-expect-error `any` is not anything
same<unknown, ReturnType<typeof JSON.parse>>()
// @ts-expect-error narrower
same<'a' | 'b', 'a'>()
