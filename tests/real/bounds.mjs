// What every component here keeps to: packages come from target/real, and nothing outlives the test that started it.

/** Where tests/real/install puts packages. */
export const installed = new URL('../../target/real/', import.meta.url);

/** Imports a file of a package that tests/real/install put into target/real, or into a directory of its own below it. */
export const load = (file, modules = 'node_modules/') => import(new URL(modules + file, installed));

/** Ends this process when its stdin closes (the test that holds the other end is gone), or after ten minutes. */
export function dieWithParent() {
  process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume();
  setTimeout(() => process.exit(1), 10 * 60_000).unref();
}
