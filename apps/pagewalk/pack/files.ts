// What the bundles have in place of `import.meta` (see bundles.ts): the repository's files that are read at run time lie
// in the package's folder `files`, as they lie in the repository.

const FOLDER = new URL('../files/', import.meta.url) // the bundles are in `dist`

/** The URL of a file, by its path from the root of the repository. */
export const fileUrl = (path: string): string => new URL(path, FOLDER).href

/** Names of our own packages are in the manifest's "imports", which have to begin with #. */
export const resolve = (specifier: string): string =>
  import.meta.resolve(specifier.startsWith('@pagewalk/') ? `#${specifier}` : specifier)
