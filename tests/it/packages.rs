//! One place names the repository: `repository` in Cargo.toml.

use std::fs;
use std::path::Path;

/// The line of SECURITY.md that says where to report, and what comes before and after its changing part.
const REPORT: (&str, &str) = ("Please report vulnerabilities privately, ", ". You get an");

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

#[apply(test)]
fn generated_report_form_is_that_of_the_repository() {
    let repository = env!("CARGO_PKG_REPOSITORY");
    let form = if repository.is_empty() {
        "through the \"Report a vulnerability\" form of the repository's\nSecurity tab".to_owned()
    } else {
        format!("through the\n[report form]({repository}/security/advisories/new)")
    };
    let found = text("SECURITY.md");
    let (before, rest) = found.split_once(REPORT.0).expect("the report form");
    let (_, after) = rest.split_once(REPORT.1).expect("what follows it");
    let expected = format!("{before}{}{form}{}{after}", REPORT.0, REPORT.1);
    if std::env::var_os("UPDATE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md");
        fs::write(path, &expected).expect("writing");
    }
    assert!(
        found == expected || std::env::var_os("UPDATE").is_some(),
        "SECURITY.md does not name {repository}; run: packaging/repository URL"
    );
}
