//! The store helpers in `contrib/stores`: each passes the test of `doctor`.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{symlink, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::engine::machine;
use crate::support::program::Program;
use crate::support::skip::needs;
use crate::support::write_program;

const HELPERS: [&str; 4] = ["etcd", "kubernetes", "pass", "vault"];

fn helper(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("contrib/stores")
        .join(name)
}

/// Runs `doctor` with a helper, which has to pass all of its tests.
fn examine(helper: &str, environment: &[(&str, &str)]) {
    let mut program =
        Program::new().args(["doctor", "--json", "--store", &format!("exec:{helper}")]);
    program.command().envs(environment.iter().copied());
    let finished = program.run();
    let diagnosis: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let findings = diagnosis["findings"].as_array().expect("findings");
    let of_helper: Vec<_> = findings.iter().filter(|it| it["topic"] == "exec").collect();
    assert!(
        of_helper.iter().all(|it| it["state"] == "ok"),
        "{helper}: {of_helper:#?}"
    );
    assert_eq!((finished.code, of_helper.len()), (Some(0), 10), "{helper}");
}

#[apply(test)]
fn es14_the_helpers_are_portable() {
    needs(&["dash", "shellcheck"]);
    for name in HELPERS {
        let checked = Command::new("shellcheck")
            .args(["-s", "sh"])
            .arg(helper(name))
            .output();
        let checked = checked.expect("shellcheck");
        assert!(
            checked.status.success(),
            "{}",
            String::from_utf8_lossy(&checked.stdout)
        );
        let parsed = Command::new("dash").arg("-n").arg(helper(name)).status();
        assert!(parsed.expect("dash").success(), "{name}");
    }
}

/// Only against a fake of the command: `tests/stores/fakes.py`, which is started some hundred times.
#[apply(long_test)]
fn es14_the_helpers_for_vault_and_kubernetes() {
    needs(&["python3"]);
    let directory = machine();
    let fakes = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores/fakes.py");
    let at = |name: &str| directory.path().join(name);
    for name in ["vault", "bao", "kubectl"] {
        symlink(fakes, at(name)).expect("a link");
    }
    let path = format!("{}:/usr/bin:/bin", directory.path().display());
    for words in ["vault -p bao secret/elsewhere", "kubernetes"] {
        let name = words.split(' ').next().expect("a name");
        let engine = at(&format!("{}.json", words.replace([' ', '/'], "_")))
            .display()
            .to_string();
        let helper = words.replacen(name, &helper(name).display().to_string(), 1);
        examine(&helper, &[("PATH", &path), ("FAKE_ENGINE", &engine)]);
    }
}

/// It encrypts some dozen values.
#[apply(long_test)]
fn es14_the_helper_for_pass() {
    needs(&["pass", "gpg", "gpgconf"]);
    let home = machine();
    let (keys, store) = (home.path().join("keys"), home.path().join("store"));
    fs::create_dir(&keys).expect("a directory");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o700)).expect("a mode");
    let run = |program: &str, words: &[&str]| {
        let done = Command::new(program)
            .args(words)
            .env("GNUPGHOME", &keys)
            .env("PASSWORD_STORE_DIR", &store)
            .output()
            .expect("running it");
        assert!(
            done.status.success(),
            "{program}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    let key = [
        "--batch",
        "--passphrase",
        "",
        "--quick-generate-key",
        "test@example.com",
        "default",
        "default",
        "never",
    ];
    run("gpg", &key);
    run("pass", &["init", "test@example.com"]);
    let (keys, store) = (keys.display().to_string(), store.display().to_string());
    let helper = helper("pass").display().to_string();
    examine(
        &helper,
        &[("GNUPGHOME", &keys), ("PASSWORD_STORE_DIR", &store)],
    );
    // The agent of these keys ends with them.
    run("gpgconf", &["--kill", "gpg-agent"]);
}

/// Asks a helper for something of the login `a-key`, which has to fail: that is no empty answer, and no conflict.
fn expect_failure(helper: &Path, verb: &str, home: &Path) -> String {
    let mut child = Command::new(helper)
        .arg(verb)
        .env("PATH", format!("{}:/usr/bin:/bin", home.display()))
        .env("PASSWORD_STORE_DIR", home.join("store"))
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a helper");
    let request = r#"{"version":1,"name":"a name","key":"a-key","replaces":"17","value":"YQ=="}"#;
    let request = request.replace(',', ",\n") + "\n";
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(request.as_bytes()).expect("a request");
    drop(stdin);
    let done = child.wait_with_output().expect("its end");
    let about = format!("{} {verb}", helper.display());
    assert!(!matches!(done.status.code(), Some(0 | 10)), "{about}");
    assert_eq!(String::from_utf8_lossy(&done.stdout), "", "{about}");
    String::from_utf8_lossy(&done.stderr).into_owned()
}

#[apply(test)]
fn es3_es14_a_helper_fails_with_its_engine() {
    let home = machine();
    let at = |name: &str| home.path().join(name);
    for program in ["etcdctl", "vault", "kubectl", "pass", "sha256sum"] {
        write_program(&at(program), "#!/bin/sh\necho out of reach >&2\nexit 1\n");
    }
    fs::create_dir_all(at("store/mcp-login")).expect("a directory");
    fs::write(at("store/mcp-login/a-key.gpg"), "a value").expect("a file");
    for name in HELPERS {
        for verb in ["get", "put", "delete", "list"] {
            // The list of pass is that of a directory.
            if (name, verb) != ("pass", "list") {
                let said = expect_failure(&helper(name), verb, home.path());
                assert!(said.contains("out of reach"), "{name} {verb}: {said}");
            }
        }
    }
}

#[apply(test)]
fn es3_es14_the_example_of_the_manual() {
    let page = include_str!("../../man/mcp-login-store.7");
    let from = page.find("#!/bin/sh").expect("an example");
    let example = page[from..].split(".fi").next().expect("its end");
    let example = example.replace("\\*(Aq", "'").replace("\\e", "\\");
    let home = machine();
    fs::create_dir(home.path().join(".my-logins")).expect("a directory");
    let helper = home.path().join("helper");
    write_program(&helper, &example);
    let of_home = home.path().display().to_string();
    examine(&helper.display().to_string(), &[("HOME", &of_home)]);
    // A value that cannot be read is there all the same.
    let values = home.path().join(".my-logins");
    fs::write(values.join("a-key.revision"), "17\n").expect("a file");
    fs::create_dir(values.join("a-key.value")).expect("a directory");
    expect_failure(&helper, "get", home.path());
}
