//! The command that says what works, and why a login would fail.

use std::process::ExitCode;

use super::{browser_wish, paste, LOST_OUTPUT};
use crate::cli::plan;
use crate::cli::{Common, DoctorArgs};
use crate::doctor::{diagnose, Case};
use crate::error::LoginError;
use crate::http;
use crate::oauth::secret::Secret;
use crate::report;
use crate::store;
use crate::surroundings::Surroundings;
use crate::terminal;

/// `doctor`
pub fn run(args: &DoctorArgs, common: &Common, secret: Option<Secret>) -> Result<ExitCode, LoginError> {
    let login = args.login();
    let request = match plan::logins(&login, common, secret.clone())?.pop() {
        Some(request) => request,
        None => plan::anywhere(&login, common, secret)?,
    };
    let case = Case {
        request: &request,
        has_server: args.server.is_some(),
        http: http::Settings { ca_file: common.ca_file.clone() },
        data_dir: store::data_dir(common.data_dir.clone()),
        store: common.store.clone(),
        browser: browser_wish(&login),
        around: Surroundings::look(),
        paste: paste(&login),
    };
    terminal::countdown(Some("examining this machine"));
    let diagnosis = diagnose(&case);
    terminal::countdown(None);
    let server = case.has_server.then_some(request.key.server.as_str());
    let lost = report::doctor::show(&diagnosis, server, common.json, common.quiet).is_err();
    let code = diagnosis.exit_code();
    Ok(ExitCode::from(if lost && code == 0 { LOST_OUTPUT } else { code }))
}
