//! `completion`: the completion script for a shell.

use clap::Args;

use crate::cli::values;

/// The options of the completion.
#[derive(Clone, Debug, Args)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = values::one_of(SCRIPTS))]
    pub shell: &'static [u8],
}

impl CompletionArgs {
    /// Returns the script.
    pub fn script(&self) -> String {
        let text = miniz_oxide::inflate::decompress_to_vec(self.shell).unwrap_or_default();
        String::from_utf8_lossy(&text).trim_end().to_owned()
    }
}

macro_rules! packed {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name))
    };
}

/// The scripts, compressed by the build script.
const SCRIPTS: values::Words<&[u8]> = values::words! {
    "bash", "Bash" => packed!("mcp-login.bash");
    "zsh", "Z shell" => packed!("_mcp-login");
    "fish", "fish" => packed!("mcp-login.fish");
    "powershell" | "pwsh", "PowerShell" => packed!("_mcp-login.ps1");
    "elvish", "Elvish" => packed!("mcp-login.elv");
};
