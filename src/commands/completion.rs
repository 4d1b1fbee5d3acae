//! `completion`: the completion script for a shell.

use clap::Args;

use crate::cli::values;

/// The options of the completion.
#[derive(Clone, Debug, Args)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = values::one_of(SCRIPTS))]
    pub shell: &'static str,
}

impl CompletionArgs {
    /// Returns the script.
    pub fn script(&self) -> &'static str {
        self.shell.trim_end()
    }
}

const SCRIPTS: values::Words<&str> = &[
    (
        &["bash"],
        "Bash",
        include_str!("../../completions/mcp-login.bash"),
    ),
    (
        &["zsh"],
        "Z shell",
        include_str!("../../completions/_mcp-login"),
    ),
    (
        &["fish"],
        "fish",
        include_str!("../../completions/mcp-login.fish"),
    ),
    (
        &["powershell", "pwsh"],
        "PowerShell",
        include_str!("../../completions/_mcp-login.ps1"),
    ),
    (
        &["elvish"],
        "Elvish",
        include_str!("../../completions/mcp-login.elv"),
    ),
];
