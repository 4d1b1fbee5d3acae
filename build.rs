//! Compresses what only some commands print, and links so that a start loads less.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The completion scripts: a tenth of their size when they are compressed.
const SCRIPTS: [&str; 5] = [
    "_mcp-login",
    "_mcp-login.ps1",
    "mcp-login.bash",
    "mcp-login.elv",
    "mcp-login.fish",
];

/// The highest level of compression.
const LEVEL: u8 = 10;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("a build by cargo"));
    for script in SCRIPTS {
        let source = Path::new("completions").join(script);
        println!("cargo::rerun-if-changed={}", source.display());
        let text = fs::read(&source).expect("a completion script");
        let packed = miniz_oxide::deflate::compress_to_vec(&text, LEVEL);
        fs::write(target.join(script), packed).expect("a writable directory");
    }
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|it| it == value);
    // A build for another machine says nothing about the linker and the loader there.
    let is_native = env::var_os("HOST") == env::var_os("TARGET");
    if is_native && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        link(&target);
    }
}

/// Links the unwinder in, so that no shared library is loaded for it, packs the relocations, a twentieth of the program, and
/// keeps one of the functions that came out the same, a hundredth. The debug build, which the tests start thousands of times, is
/// linked for a fixed address: a third less work at each start. Each only where a program that is linked so runs on this machine.
fn link(directory: &Path) {
    if let Some(libraries) = directory_of("libgcc_eh.a") {
        let search = format!("-Lnative={}", libraries.display());
        if runs(directory, &[&search, "-lstatic:-bundle=gcc_eh"]) {
            println!("cargo::rustc-link-search=native={}", libraries.display());
            println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
        }
    }
    // Only lld, which rustc brings along, folds functions of the same code.
    for flag in ["-z,pack-relative-relocs", "--icf=all"] {
        if runs(directory, &[&format!("-Clink-arg=-Wl,{flag}")]) {
            println!("cargo::rustc-link-arg-bins=-Wl,{flag}");
        }
    }
    let is_debug = env::var("PROFILE").is_ok_and(|profile| profile == "debug");
    if is_debug && runs(directory, &["-Clink-arg=-no-pie"]) {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

/// Tells whether the compiler links a program with these arguments, and whether it runs.
fn runs(directory: &Path, arguments: &[&str]) -> bool {
    let (source, program) = (directory.join("probe.rs"), directory.join("probe"));
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let linker = env::var("RUSTC_LINKER").map(|linker| format!("-Clinker={linker}"));
    let mut compiler = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    compiler
        .args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()))
        .args(linker)
        .args(arguments)
        .arg("-o")
        .args([&program, &source]);
    let is_done = |command: &mut Command| {
        let output = command.output();
        // A linker may only warn of an argument that it does not know.
        output.is_ok_and(|output| output.status.success() && output.stderr.is_empty())
    };
    fs::write(&source, "fn main() {}").is_ok()
        && is_done(&mut compiler)
        && is_done(&mut Command::new(&program))
}

/// Returns the directory of a library of the C compiler; `None` if it has none of this name.
fn directory_of(library: &str) -> Option<PathBuf> {
    let output = Command::new("cc")
        .arg(format!("-print-file-name={library}"))
        .output()
        .ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    // Without such a library the name comes back as it is.
    Some(Path::new(answer.trim()).parent()?.to_owned()).filter(|path| path.is_absolute())
}
