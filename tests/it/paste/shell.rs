//! Pasting under a shell with job control.

use std::process::{Child, Command};

use rustix::process::Signal;

use crate::support::fake::Fake;
use crate::support::process::Process;
use crate::support::program::Program;
use crate::support::pty::Pty;
use crate::support::skip::{needs, needs_signal};
use crate::support::{visit, wait_for};

/// An interactive bash on a terminal, in a home of its own.
struct Shell {
    pty: Pty,
    bash: Child,
    fake: Fake,
    program: Program,
}

impl Shell {
    fn start() -> Self {
        needs(&["bash"]);
        let (pty, fake, mut program) = (Pty::open(), Fake::start(), Program::new());
        let mut command = Command::new("setsid");
        command
            .args([
                "--ctty",
                "bash",
                "--norc",
                "--noprofile",
                "--noediting",
                "-i",
            ])
            .current_dir(program.home());
        command.envs(
            program
                .command()
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        command
            .env("PS1", "PROMPT ")
            .env("PROGRAM", env!("CARGO_BIN_EXE_mcp-login"));
        command
            .stdin(pty.stdio())
            .stdout(pty.stdio())
            .stderr(pty.stdio());
        let bash = command.spawn().expect("starting bash");
        let mut shell = Self {
            pty,
            bash,
            fake,
            program,
        };
        shell.pty.wait_for("PROMPT ");
        shell
    }

    /// Starts a login whose events go to a file, and which tells its process id; `end` is what follows the command.
    fn log_in(&mut self, end: &str) -> (Process, String) {
        let line = format!(
            "sh -c 'echo $$ >pid; exec \"$PROGRAM\" --json --store file --no-browser {}' >events {end}\n",
            self.fake.mcp()
        );
        self.pty.type_in(&line);
        let events = self.program.home().join("events");
        let url = wait_for("the address", || {
            self.pty.shown();
            let text = std::fs::read_to_string(&events).ok()?;
            let mut events = text
                .lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            let event = events.find(|event| event["event"] == "authorization_url")?;
            event["url"].as_str().map(str::to_owned)
        });
        let pid = std::fs::read_to_string(self.program.home().join("pid")).expect("a process id");
        let location = visit(&url)
            .header("location")
            .expect("a redirect")
            .to_owned();
        (Process(pid.trim().parse().expect("a number")), location)
    }

    fn ends_with(mut self, text: &str) {
        self.pty.type_in("echo \"ended=$?\"\n");
        self.pty.wait_for(text);
        self.pty.type_in("exit\n");
        self.pty.close();
        let _ = self.bash.wait();
    }
}

#[apply(test)]
fn p14_a_background_job_never_stops_and_takes_the_callback() {
    let mut shell = Shell::start();
    let (process, good) = shell.log_in("&");
    let shown = shell
        .pty
        .wait_for("nothing can be pasted until it is in the foreground");
    assert!(!shown.contains("paste it here"), "{shown}");
    // What is typed now belongs to the shell.
    for round in 0..5 {
        shell
            .pty
            .type_in(&format!("echo \"typed $(({round} + 100))\"\n"));
        shell.pty.wait_for(&format!("typed {}", round + 100));
        assert_ne!(process.state(), 'T', "it is stopped");
    }
    assert_eq!(visit(&good).status, 200);
    let shown = shell.pty.wait_for("logged in to");
    assert!(
        !shown.contains(" left"),
        "no countdown over the line of the shell: {shown}"
    );
    shell.pty.type_in("wait %1\n");
    shell.ends_with("ended=0");
}

#[apply(test)]
fn p14_fg_turns_pasting_on() {
    let mut shell = Shell::start();
    let (process, good) = shell.log_in("&");
    assert_ne!(process.state(), 'T', "it is stopped");
    shell.pty.type_in("fg\n");
    shell.pty.wait_until_raw(true);
    shell.pty.type_in(&format!("{good}\n"));
    shell.pty.wait_for("logged in to");
    shell.pty.wait_until_raw(false);
    shell.ends_with("ended=0");
}

#[apply(test)]
fn r5_p12_ctrl_z_and_fg_give_the_terminal_back_and_take_it_again() {
    let mut shell = Shell::start();
    let before = shell.pty.settings();
    let (process, good) = shell.log_in("");
    for _ in 0..2 {
        shell.pty.wait_until_raw(true);
        shell.pty.type_in("\u{1a}");
        wait_for("the stop", || (process.state() == 'T').then_some(()));
        wait_for("the shell's settings", || {
            (shell.pty.settings() == before).then_some(())
        });
        shell.pty.type_in("fg\n");
        shell.pty.wait_until_raw(true);
    }
    shell.pty.type_in(&format!("{good}\n"));
    shell.pty.wait_for("logged in to");
    wait_for("the shell's settings", || {
        (shell.pty.settings() == before).then_some(())
    });
    shell.ends_with("ended=0");
}

#[apply(test)]
fn r5_ctrl_z_and_bg_go_on_without_pasting() {
    let mut shell = Shell::start();
    let before = shell.pty.settings();
    let (process, good) = shell.log_in("");
    shell.pty.wait_until_raw(true);
    shell.pty.type_in("\u{1a}");
    wait_for("the stop", || (process.state() == 'T').then_some(()));
    shell.pty.type_in("bg\n");
    wait_for("the end of the stop", || {
        (process.state() != 'T').then_some(())
    });
    shell.pty.type_in("echo \"typed $((100 + 1))\"\n");
    shell.pty.wait_for("typed 101");
    assert_eq!(shell.pty.settings(), before);
    assert_eq!(visit(&good).status, 200);
    shell.pty.wait_for("logged in to");
    shell.pty.type_in("wait %1\n");
    shell.ends_with("ended=0");
}

/// The settings of `stty` in the shell are the same before and after.
#[apply(test)]
fn p12_r1_ctrl_c_gives_the_terminal_back_to_the_shell() {
    needs_signal(Signal::INT);
    let mut shell = Shell::start();
    let before = shell.pty.settings();
    shell.log_in("");
    shell.pty.wait_until_raw(true);
    shell.pty.type_in("\u{3}");
    wait_for("the shell's settings", || {
        (shell.pty.settings() == before).then_some(())
    });
    shell.ends_with("ended=130");
}
