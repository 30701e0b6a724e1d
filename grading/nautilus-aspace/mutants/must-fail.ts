export const MUST_FAIL: { readonly [id: string]: readonly string[] } = {}
