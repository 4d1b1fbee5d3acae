//! The command that says what works, and why a login would fail.

use std::process::ExitCode;

use super::{browser_wish, paste, stored, LOST_OUTPUT};
use crate::cli::{names, plan};
use crate::cli::{Common, DoctorArgs};
use crate::commands::doctor::{diagnose, Case};
use crate::error::Error;
use crate::failure::Class;
use crate::http;
use crate::oauth::secret::Secret;
use crate::os::environment::Environment;
use crate::os::terminal;
use crate::output::{self, Reporter};
use crate::store;

/// `doctor`
pub fn run(args: &DoctorArgs, common: &Common, secret: Option<Secret>) -> Result<ExitCode, Error> {
    let login = args.login();
    // A store that cannot be read is part of what is found out.
    let stored = || {
        Ok(stored::use_context(common)
            .and_then(|context| stored::keys(&context))
            .unwrap_or_default())
    };
    let targets = names::targets(&login, stored)?;
    let request = match plan::logins(&login, &targets, common, secret.clone())?.pop() {
        Some(request) => request,
        None => plan::anywhere(&login, common, secret.clone())?,
    };
    let has_secret = secret.is_some() || login.client.client_secret_file.is_some();
    for named in targets.iter().filter_map(|target| target.named.as_ref()) {
        Reporter::new(false, false).named(named, has_secret);
    }
    let case = Case {
        request: &request,
        has_server: args.server.is_some() || args.provider.provider.is_some(),
        http: http::HttpSettings {
            ca_file: common.ca_file.clone(),
        },
        data_dir: store::data_dir(common.data_dir.clone(), &common.store),
        store: common.store.clone(),
        browser: browser_wish(&login),
        environment: Environment::look(),
        paste: paste(&login),
    };
    terminal::countdown(Some("examining this machine"));
    let diagnosis = diagnose(&case);
    terminal::countdown(None);
    let server = case.has_server.then_some(request.key.server.as_str());
    let lost = output::doctor::show(&diagnosis, server, common.json, common.quiet).is_err();
    let code = diagnosis.class();
    Ok(ExitCode::from(if lost && code == Class::Success {
        LOST_OUTPUT
    } else {
        code
    }))
}
