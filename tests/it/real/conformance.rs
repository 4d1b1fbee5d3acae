//! The conformance suite of MCP: every scenario about authorization that a revision requires of a client.
//!
//! Scenarios of MCP extensions belong to no revision; each is run by its name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::bed::{self, Bed, Part};
use super::running::Run;

/// The scenarios that must not end in a login, and what our program has to say at their end. The suite takes any end
/// for a refusal, so that a crash would please it as well.
const REFUSED: [(&str, &str); 7] = [
    ("iss-normalized", r#""reason":"issuer_mismatch""#),
    ("iss-supported-missing", r#""reason":"issuer_mismatch""#),
    ("iss-unexpected", r#""reason":"issuer_mismatch""#),
    ("iss-wrong-issuer", r#""reason":"issuer_mismatch""#),
    ("metadata-issuer-mismatch", r#""code":"issuer_mismatch""#),
    ("resource-mismatch", r#""code":"resource_mismatch""#),
    ("scope-retry-limit", r#""code":"not_logged_in""#),
];

/// What our program says at the end of all the others: the login works.
const WORKS: &str = r#""proven":true"#;

/// The length of the time that the suite adds to the name of a scenario.
const TIME_LENGTH: usize = "-2026-07-28T00-00-00-000Z".len();

/// What a scenario left.
struct Judged {
    /// The checks that did not succeed.
    complaints: Vec<String>,
    successes: usize,
    stdout: String,
    stderr: String,
}

/// Runs the suite with these options, and returns what it found about authorization.
fn judge(bed: &Bed, options: &[&str]) -> BTreeMap<String, Judged> {
    let client = format!(
        "{} {}",
        bed::node().display(),
        bed::script("conformance-client.mjs").display()
    );
    let mut command = bed.command(bed::node());
    command
        .arg(bed::conformance("dist/index.js"))
        .args(["client", "--command", &client]);
    command
        .arg("--output-dir")
        .arg(bed.path("judged"))
        .args(["--timeout", "80000"])
        .args(options);
    command
        .env("MCP_LOGIN_TEST_PROGRAM", env!("CARGO_BIN_EXE_mcp-login"))
        .env("BROWSER", bed.curl());
    let finished = Run::start(&mut command).finish();
    let directories = fs::read_dir(bed.path("judged/auth"));
    let directories = directories
        .unwrap_or_else(|_| panic!("nothing judged: {}{}", finished.stdout, finished.stderr));
    directories
        .map(|entry| read(&entry.expect("an entry").path()))
        .collect()
}

/// Reads what one scenario left.
fn read(directory: &Path) -> (String, Judged) {
    let name = directory
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a name");
    let text = |file: &str| fs::read_to_string(directory.join(file)).unwrap_or_default();
    let checks: Vec<Value> = serde_json::from_str(&text("checks.json")).unwrap_or_default();
    let having =
        |status: &'static str| checks.iter().filter(move |check| check["status"] == status);
    let complaints = having("FAILURE")
        .chain(having("WARNING"))
        .map(Value::to_string)
        .collect();
    let (stdout, stderr) = (text("stdout.txt"), text("stderr.txt"));
    let judged = Judged {
        complaints,
        successes: having("SUCCESS").count(),
        stdout,
        stderr,
    };
    (name[..name.len() - TIME_LENGTH].to_owned(), judged)
}

/// Requires that these scenarios were passed.
#[track_caller]
fn passed<'a>(judged: &BTreeMap<String, Judged>, scenarios: impl IntoIterator<Item = &'a str>) {
    for scenario in scenarios {
        let Judged {
            complaints,
            successes,
            stdout,
            stderr,
        } = judged
            .get(scenario)
            .unwrap_or_else(|| panic!("{scenario} was not run"));
        assert!(
            complaints.is_empty() && *successes > 0,
            "{scenario}: {complaints:#?}\n{stdout}\n{stderr}"
        );
        let refused = REFUSED.iter().find(|(name, _)| *name == scenario);
        let end = refused.map_or(WORKS, |(_, end)| end);
        // A login that waits on is ended by the suite, which is told as well.
        let last = stdout
            .lines()
            .rfind(|line| !line.starts_with("{\"event\":\"cancelled\""))
            .unwrap_or_default();
        assert!(
            last.contains(end),
            "{scenario}: {end} is not at the end of {stdout}\n{stderr}"
        );
    }
}

/// Runs what a revision requires, as it was when the revision was released.
#[track_caller]
fn conforms_to(revision: &str, scenarios: usize) {
    let bed = Bed::with(&[Part::Conformance, Part::Curl]);
    let requirements =
        fs::read_to_string(bed::conformance(&format!("requirements/{revision}.yaml")));
    let requirements = requirements.expect("the requirements");
    let of_clients = requirements
        .split_once("\nclient:")
        .and_then(|(_, rest)| rest.split_once("\nnot_scored:"));
    let (of_clients, _) = of_clients.expect("the requirements of clients");
    let required: Vec<&str> = of_clients
        .lines()
        .filter_map(|line| line.strip_prefix("  - auth/"))
        .collect();
    assert_eq!(required.len(), scenarios, "{required:?}");
    passed(&judge(&bed, &["--requirements", revision]), required);
}

/// Each scenario is a login, and each login has a Node of its own.
#[apply(long_test)]
fn conforms_to_2026_07_28() {
    conforms_to("2026-07-28", 25);
}

/// Each scenario is a login, and each login has a Node of its own.
#[apply(long_test)]
fn conforms_to_2025_11_25() {
    conforms_to("2025-11-25", 14);
}

/// Tokens that are bound to a key, without a nonce in the proofs and with one. Scenarios of extensions have no revision.
#[apply(test)]
fn conforms_to_dpop() {
    let bed = Bed::with(&[Part::Conformance, Part::Curl]);
    for (scenario, checks) in [("dpop", 12), ("dpop-nonce", 14)] {
        let judged = judge(&bed, &["--scenario", &format!("auth/{scenario}")]);
        passed(&judged, [scenario]);
        assert_eq!(judged[scenario].successes, checks, "{scenario}");
    }
}

#[apply(test)]
fn conforms_to_2025_03_26() {
    let bed = Bed::with(&[Part::Conformance, Part::Curl]);
    let scenarios = [
        "2025-03-26-oauth-endpoint-fallback",
        "2025-03-26-oauth-metadata-backcompat",
    ];
    passed(&judge(&bed, &["--suite", "backcompat"]), scenarios);
}

/// Logins without a person: MCP's extensions for client credentials, enterprise-managed authorization and workload
/// identity. They belong to no revision: with one, the suite skips them and is content.
#[apply(long_test)]
fn conforms_to_the_extensions_without_a_person() {
    for scenario in [
        "client-credentials-jwt",
        "client-credentials-basic",
        "enterprise-managed-authorization",
        "wif-jwt-bearer",
    ] {
        let bed = Bed::with(&[Part::Conformance]);
        let judged = judge(&bed, &["--scenario", &format!("auth/{scenario}")]);
        passed(&judged, [scenario]);
    }
}
