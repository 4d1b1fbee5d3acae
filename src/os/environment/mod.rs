//! What kind of place this runs in: a desktop, a remote shell, a container, a CI job.

pub mod job;

use std::env;
use std::path::Path;

/// What matters for reaching the user's browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// A remote shell, and how its user would come here once more.
    pub ssh: Option<Ssh>,
    /// Windows is around this Linux.
    pub wsl: bool,
    /// A container, whose loopback is not the user's.
    pub container: bool,
    /// Something can open windows.
    pub display: bool,
    /// A CI job: nobody is watching.
    pub ci: bool,
}

/// The far end of a remote shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssh {
    /// The user name here.
    pub user: Option<String>,
    /// The address of this machine, as the user's machine reaches it.
    pub host: Option<String>,
    /// The port of the ssh server, if it is not 22.
    pub port: Option<String>,
}

/// Whether programs of this system can open windows without a variable that names the display.
const ALWAYS_HAS_DISPLAY: bool = cfg!(any(target_os = "macos", windows));

/// Tells whether something can open windows.
pub fn has_display() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    ALWAYS_HAS_DISPLAY || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

impl Environment {
    /// Looks around.
    pub fn detect() -> Self {
        let version = std::fs::read_to_string("/proc/sys/kernel/osrelease")
            .unwrap_or_default()
            .to_lowercase();
        let mut marks = ["/.dockerenv", "/run/.containerenv"].iter();
        let container = marks.any(|mark| cfg!(unix) && Path::new(mark).exists());
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        Self::from(&variable, &version, container)
    }

    fn from(variable: &dyn Fn(&str) -> Option<String>, kernel: &str, container: bool) -> Self {
        let set = |name| variable(name).is_some();
        let connection = variable("SSH_CONNECTION").unwrap_or_default();
        let mut connection = connection.split_whitespace().skip(2).map(str::to_owned);
        let mut remote = ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"].into_iter();
        let mut users = ["USER", "LOGNAME", "USERNAME"].into_iter();
        Self {
            ssh: remote.any(set).then(|| Ssh {
                user: users.find_map(variable),
                host: connection.next(),
                port: connection.next().filter(|port| port != "22"),
            }),
            wsl: set("WSL_DISTRO_NAME") || kernel.contains("microsoft"),
            container: container || set("KUBERNETES_SERVICE_HOST") || set("container"),
            display: ALWAYS_HAS_DISPLAY || set("DISPLAY") || set("WAYLAND_DISPLAY"),
            ci: set("CI"),
        }
    }
}

impl Ssh {
    /// Returns the command that forwards a callback port of this machine, at `127.0.0.1` or `[::1]`, from the user's machine.
    pub fn forward(&self, loopback: &str, port: u16) -> String {
        let user: String = self.user.iter().map(|it| format!("{it}@")).collect();
        let via: String = self.port.iter().map(|it| format!("-p {it} ")).collect();
        let host = self.host.as_deref().unwrap_or("THIS-MACHINE");
        // Without an address of its own ssh would be content with the port of one family, and another program have the other.
        let ports = match loopback {
            "[::1]" => format!("'[::1]:{port}:[::1]:{port}'"),
            _ => format!("127.0.0.1:{port}:127.0.0.1:{port}"),
        };
        format!("ssh -N -o ExitOnForwardFailure=yes {via}-L {ports} {user}{host}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(variables: &[(&str, &str)], kernel: &str, container: bool) -> Environment {
        let find = |name: &str| {
            variables
                .iter()
                .find(|(it, _)| *it == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Environment::from(&find, kernel, container)
    }

    #[test]
    fn u13_a_remote_shell_has_a_way_back() {
        let ssh = look(
            &[
                ("SSH_CONNECTION", "10.0.0.9 50000 10.0.0.5 22"),
                ("USER", "ann"),
            ],
            "",
            false,
        )
        .ssh;
        let ssh = ssh.expect("a remote shell");
        assert_eq!(
            ssh.forward("127.0.0.1", 8123),
            "ssh -N -o ExitOnForwardFailure=yes -L 127.0.0.1:8123:127.0.0.1:8123 ann@10.0.0.5"
        );
        let other = look(
            &[("SSH_CONNECTION", "10.0.0.9 50000 fe80::1 2222")],
            "",
            false,
        )
        .ssh
        .expect("a remote shell");
        assert_eq!(
            other.forward("localhost", 8123),
            "ssh -N -o ExitOnForwardFailure=yes -p 2222 -L 127.0.0.1:8123:127.0.0.1:8123 fe80::1"
        );
        let bare = look(&[("SSH_TTY", "/dev/pts/1")], "", false)
            .ssh
            .expect("a remote shell");
        assert_eq!(
            bare.forward("[::1]", 1),
            "ssh -N -o ExitOnForwardFailure=yes -L '[::1]:1:[::1]:1' THIS-MACHINE"
        );
    }

    #[test]
    fn r9_u15_other_places() {
        assert!(look(&[], "5.15.90.1-microsoft-standard-wsl2", false).wsl);
        assert!(look(&[("WSL_DISTRO_NAME", "Debian")], "", false).wsl);
        assert!(look(&[("WAYLAND_DISPLAY", "wayland-0")], "", false).display);
        assert!(look(&[], "", true).container);
        assert!(look(&[("CI", "true")], "", false).ci);
        assert_eq!(look(&[], "6.1.0", false).ssh, None);
    }
}
