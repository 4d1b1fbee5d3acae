// What every component here keeps to: packages come from target/real, and nothing outlives the test that started it.

const modules = new URL('../../target/real/node_modules/', import.meta.url);

/** Imports a file of a package that tests/real/install put into target/real. */
export const load = (file) => import(new URL(file, modules));

/** Ends this process when its stdin closes (the test that holds the other end is gone), or after ten minutes. */
export function dieWithParent() {
  process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume();
  setTimeout(() => process.exit(1), 10 * 60_000).unref();
}
