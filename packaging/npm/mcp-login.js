#!/usr/bin/env node
// Starts the program for this platform, which npm installed as an optional dependency.
"use strict";

const { spawn } = require("child_process");
const { constants } = require("os");

const name = `@mcp-login/${process.platform}-${process.arch}`;
let program;
try {
  program = require.resolve(`${name}/bin/mcp-login${process.platform === "win32" ? ".exe" : ""}`);
} catch {
  console.error(`mcp-login: the package ${name} is not installed`);
  console.error("mcp-login: install again without --no-optional and --omit=optional, or take another way of the README");
  process.exit(1);
}

const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
// The program decides what a signal means. Ctrl-C in a terminal reaches both, and counts once.
process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
for (const signal of ["SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`mcp-login: cannot start ${program}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
