//! A fake browser: a script that notes how it was started, and then does what a test wants.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{wait_for, write_program};

/// The script, and the directory of its notes.
pub struct FakeBrowser {
    notes: TempDir,
}

impl FakeBrowser {
    /// Makes a browser that notes its environment and then runs these shell commands.
    pub fn new(then: &str) -> Self {
        let notes = tempfile::tempdir().expect("a directory");
        let browser = Self { notes };
        let directory = browser.notes.path().display();
        let script = format!(
            "#!/bin/sh\ncd {directory}\ncat /proc/$$/stat >stat\nls -l /proc/$$/fd >fds\nenv >env\n\
             (: >/dev/tty) 2>/dev/null && : >tty\nprintf '%s\\n' \"$#\" \"$@\" >url.new\nmv url.new url\n{then}\n"
        );
        write_program(&browser.path(), &script);
        browser
    }

    pub fn path(&self) -> PathBuf {
        self.notes.path().join("browser")
    }

    /// Makes another program beside the browser, with this script.
    pub fn beside(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path().with_file_name(name);
        write_program(&path, &format!("#!/bin/sh\n{script}\n"));
        path
    }

    /// Waits until the browser was started; returns the one URL that it was given.
    pub fn url(&self) -> String {
        let arguments = wait_for("the browser", || {
            fs::read_to_string(self.notes.path().join("url")).ok()
        });
        let arguments: Vec<_> = arguments.lines().map(str::to_owned).collect();
        assert_eq!(arguments.len(), 2, "one argument: {arguments:?}");
        arguments[1].clone()
    }

    pub fn was_started(&self) -> bool {
        self.notes.path().join("url").exists()
    }

    /// Returns a note: `stat`, `fds` or `env`; `tty` exists if the browser could open our terminal.
    pub fn note(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.notes.path().join(name)).ok()
    }
}
